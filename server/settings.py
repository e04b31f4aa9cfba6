"""Every setting, one line each; all are environment variables that begin with WEATHERGLASS_."""

import os
from dataclasses import dataclass, fields
from pathlib import Path
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Settings:
    database_url: str = "sqlite:///var/weatherglass.sqlite"  # the SQLite file, or postgresql://user:password@host/name
    host: str = "127.0.0.1"  # address the server listens on
    port: int = 8750  # port the server listens on
    timezone: str = "Asia/Shanghai"  # the organisation's time zone: days and windows are counted in it
    locale: str = "zh_CN"  # language before somebody signs in: zh_CN or en
    session_hours: int = 12  # idle hours until a session ends
    secure_cookies: bool = False  # set behind https: cookies get `Secure` and the `__Host-` prefix
    body_limit: int = 2_097_152  # bytes a request body may have
    files: str = ""  # folder of attachments, or an address such as s3://bucket/folder (with s3fs installed); empty: beside the SQLite file, else var/files
    file_limit: int = 20_971_520  # bytes one attachment may have
    files_quota: int = 10_737_418_240  # bytes all attachments together may have
    import_limit: int = 67_108_864  # bytes a file to import may have
    api_rate: int = 1200  # requests to the API that one person has in a minute; 0: no limit
    public_url: str = ""  # where people reach the product, such as https://crm.example.com; messages carry links only when it is set
    outgoing_hosts: str = ""  # hosts inside your network that messages may be sent to, with commas between: mail.internal,10.0.0.5
    template: str = ""  # folder of documents published at first start; empty: the shipped template

    @property
    def files_location(self) -> str:
        if self.files:
            return self.files
        scheme, _, rest = self.database_url.partition("://")
        file = Path(rest.removeprefix("/").partition("?")[0])
        return str(file.with_name(file.stem + "-files")) if scheme.startswith("sqlite") and file.name else "var/files"

    @property
    def upload_limit(self) -> int:
        """Bytes of a request that brings a file: the file and what stands around it."""
        return self.file_limit + 65_536

    @property
    def allowed_hosts(self) -> frozenset[str]:
        return frozenset(host.strip().lower() for host in self.outgoing_hosts.split(",") if host.strip())

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


def load(environ: "os._Environ[str] | dict[str, str]" = os.environ) -> Settings:
    """Settings from the environment; an unknown WEATHERGLASS_ name or a bad value is an error that names it."""
    known = {"WEATHERGLASS_" + f.name.upper(): f for f in fields(Settings)}
    unknown = sorted(k for k in environ if k.startswith("WEATHERGLASS_") and not k.startswith("WEATHERGLASS_TEST_") and k not in known)
    if unknown:
        raise SystemExit(f"unknown setting {unknown[0]}; known: {', '.join(sorted(known))}")
    values: dict[str, object] = {}
    for name, f in known.items():
        text = environ.get(name)
        if text is None:
            continue
        try:
            values[f.name] = _coerce(f.type, text)
        except ValueError:
            raise SystemExit(f"setting {name}: {text!r} is not a {f.type}") from None
    return Settings(**values)  # type: ignore[arg-type]


def _coerce(kind: object, text: str) -> object:
    if kind is int or kind == "int":
        return int(text)
    if kind is bool or kind == "bool":
        if text.lower() not in {"1", "0", "true", "false", "yes", "no"}:
            raise ValueError(text)
        return text.lower() in {"1", "true", "yes"}
    return text


def data_folder(name: str) -> Path:
    """A folder that ships with the product (schemas, workflows, migrations): inside the wheel, or beside the code in a checkout."""
    here = Path(__file__).parent
    packed = here / "_data" / name
    return packed if packed.is_dir() else here.parent / name
