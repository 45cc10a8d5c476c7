"""What a small web server of ours answers."""

from __future__ import annotations

import urllib.error
import urllib.request

from support.patience import PATIENCE


def web_page(url: str) -> tuple[int, str]:
    """Status and text, also of a refusal; 0 and "" while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""
