"""What the environment says of the way to servers, as on any machine: proxies, certificates, keys.

Proxies are chosen by the rules of `requests`: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, and NO_PROXY with domains, addresses,
networks and ports. A key from a Secret often ends with the newline of an `echo`, which no server takes.
"""

import os
import re
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import suppress
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import unquote, urlsplit

from archsmith.errors import AccessDeniedError, PermanentError

_TIDIED = re.compile(
    r"(AWS|MLFLOW|KF_PIPELINES)_\w+|ARCHSMITH_(S3_ENDPOINT|STORE)|(REQUESTS|CURL)_CA_BUNDLE|SSL_CERT_(FILE|DIR)|"
    r"(?:https?|no|all)_proxy|(?:HTTPS?|NO|ALL)_PROXY"
)
"""Variables whose values never begin or end with white space on purpose."""

_KEY = re.compile(r"[!-~]+")
"""What a key or a token consists of: it has its place in a header of HTTP."""

_SECRET = re.compile(r"KEY|SECRET|TOKEN|PASSWORD")
"""Names of variables whose values nobody may see."""

CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
"""Variables that name a file, or a folder, of the certificates to trust, the first one that is set."""


def tidy(environ: MutableMapping[str, str] = os.environ) -> None:
    """Take the white space off around the variables of the store, of MLflow and of KFP, for libraries that read them too."""
    for name, value in [*environ.items()]:
        if _TIDIED.fullmatch(name) and value != value.strip():
            environ[name] = value.strip()


def key(value: str, name: str) -> str:
    """Return a key or a token without the white space around it.

    Raises:
        AccessDeniedError: It can't be one, and no library has the chance to show it; `name` says where it stands.
    """
    stripped = value.strip()
    if stripped and not _KEY.fullmatch(stripped):
        raise AccessDeniedError(
            f"{name} holds white space or a character that no key has (it is not shown here); a newline within it, perhaps. "
            "Set it anew."
        )
    return stripped


def redact(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return a text that may be anything, such as that of an unknown error, without the keys and passwords in it."""
    for name, value in environ.items():
        if _SECRET.search(name) and len(value.strip()) >= 4:  # what is shorter is in half of all words
            text = text.replace(value.strip(), "***")
    text = re.sub(r"(?i)\b(credential=|signature=|bearer |basic )[^\s,;'\"]+", r"\1***", text)
    return re.sub(r"""://[^\s'"]*@""", "://***@", text)


def without_password(url: str) -> str:
    """Return a URL for people: what stands before an @ may be a user and a password, whatever characters they have."""
    return re.sub(r"^([\w+.-]*://)?.*@", lambda found: found[1] or "", url, flags=re.DOTALL)


def proxy(url: str) -> str | None:
    """Return the URL of the proxy through which `url` is reached; None where there is none.

    What is on this machine is never asked through a proxy.

    Raises:
        PermanentError: The proxy is none that speaks HTTP.
    """
    from requests.utils import get_environ_proxies, select_proxy

    host = urlsplit(url).hostname or ""
    if _is_here(host) or _is_exempt(host):
        return None
    found: str | None = select_proxy(url, get_environ_proxies(url, no_proxy=None))
    return http_proxy(found, "HTTPS_PROXY, HTTP_PROXY or ALL_PROXY") if found and found.strip() else None


def _is_here(host: str) -> bool:
    """Tell whether a host is this machine, as its name or its address says."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _is_exempt(host: str) -> bool:
    """Tell whether NO_PROXY names a host in a form that `requests` does not know: *.domain, [address], IPv6 networks."""
    named = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    return any(_names(entry.strip(), host) for entry in named.split(","))


def _names(entry: str, host: str) -> bool:
    if entry.startswith("*."):
        return host.endswith(entry[1:].lower())
    with suppress(ValueError):
        return ip_address(host) in ip_network(entry.strip("[]"), strict=False)
    return False


def http_proxy(given: str, name: str) -> str:
    """Return the URL of a proxy, with a scheme; raises `PermanentError` where it is none that speaks HTTP."""
    url = given.strip() if "://" in given else f"http://{given.strip()}"
    if not is_http(url):
        hint = "; in a password, /, # and ? are written %2F, %23 and %3F" if "@" in url else ""
        shown = without_password(url)
        raise PermanentError(
            f"The proxy of {name} is {shown!r}, but must be a URL such as http://proxy.example.org:3128{hint}."
        )  # fmt: skip
    return url


def is_http(url: str) -> bool:
    """Tell whether a text is a URL of HTTP with a host, and a port that there is; who is asked stands nowhere but before them."""
    from urllib3.util import parse_url

    try:
        parts, _ = urlsplit(url), parse_url(url)
        has_port = parts.port is None or parts.port > 0
    except ValueError:  # urllib3's own error is one, too
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and has_port and ("@" in parts.netloc) == ("@" in url)


def proxy_headers(proxy_url: str) -> dict[str, str]:
    """Return what says to a proxy who we are: user and password of its URL, where it has some."""
    from urllib3 import make_headers

    parts = urlsplit(proxy_url)
    if parts.username is None:
        return {}
    return make_headers(proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}")


def certificates(names: Sequence[str] = CERTIFICATES, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the file, or the folder, of the certificates to trust; None where no variable of `names` says another one.

    Raises:
        PermanentError: There is nothing at that path.
    """
    for name in names:
        if path := environ.get(name, "").strip():
            if not Path(path).exists():
                raise PermanentError(f"{name} is {path!r}, but must name a file of certificates, and there is none.")
            return path
    return None
