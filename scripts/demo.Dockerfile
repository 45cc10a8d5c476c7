# The demo on any system that has Docker. From the repository's root:
#
#   docker build -f scripts/demo.Dockerfile -t trunkline-demo .
#   docker run --rm trunkline-demo
#
# Its steps are those of a bare Debian 12 machine, where they are tried; the image itself is built by hand
# only, not in CI.
FROM debian:12-slim
RUN apt-get update -q && apt-get install -yq --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /trunkline
# First what changes seldom, so that an edit of the code does not install everything again.
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY scripts/setup scripts/packages.debian scripts/
COPY operator/trunkline/__init__.py operator/trunkline/
COPY edge/sipedge/__init__.py edge/sipedge/
COPY recorder/siprecorder/__init__.py recorder/siprecorder/
RUN scripts/setup run && rm -rf /var/lib/apt/lists/* /root/.cache
COPY . .
CMD ["make", "demo"]
