"""The Kubernetes API: the only package that imports an API client."""
