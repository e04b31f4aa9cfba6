"""Hashing of passwords, and which ones are refused."""

from pwdlib.hashers.argon2 import Argon2Hasher

from server.errors import Problem, Text

HASHER = Argon2Hasher(time_cost=3, memory_cost=65536, parallelism=4)

# Checked when there is no such user, so that both answers take the same time. A test holds its parameters equal to HASHER's.
NOBODY_HASH = "$argon2id$v=19$m=65536,t=3,p=4$T1NoTIFCthr74UnTJek1IA$XDhxfZBoDSZG/BJvQxMjCq82ffLBDRP2YZS3xvaE7Ko"

SHORTEST, LONGEST = 8, 256

_WORDS = (
    "password passw0rd p@ssword p@ssw0rd pass1234 passwort password! qwertyui qwertyuiop qwerty12 qwerty123 qwer1234 1q2w3e4r 1q2w3e4r5t 1qaz2wsx "
    "1qaz2wsx3edc zaq12wsx  q1w2e3r4 asdfghjk asdfghjkl asdf1234 zxcvbnm1 zxcvbnm, abcd1234 abc12345 abcdefgh abcdefg1 a1b2c3d4 aa123456 a1234567 "
    "a12345678 aa12345678 abc123456 qq123456 wang1234  woaini520 woaini1314 5201314520 woaini123 iloveyou iloveyou1 sunshine princess football "
    "baseball superman batman123 trustno1 letmein1 welcome1 welcome123 welcome!  admin123 admin1234 admin12345 admin888 admin@123 administrator "
    "administrator1 root1234 root12345 toor1234 test1234 test12345 testtest user1234 guest123 demo1234 changeme  changeme1 changeme123 default1 "
    "secret123 secret12 master123 login123 hello123 hello1234 monkey123 dragon123 shadow123 michael1 jennifer computer internet samsung1 "
    "whatever starwars freedom1 pokemon1 charlie1 liverpool1 chelsea1 arsenal1 company1 business summer2024 summer2025 summer2026 winter2024 "
    "winter2025 winter2026 spring2026  autumn2026 january1 monday123 weatherglass weatherglass1 qingyubiao jingyubiao 12341234 11223344 "
    "112233445566 123123123 123321123 147258369 159753456 987654321 87654321  0987654321 13579246 24681357 31415926 66668888 88886666 520520520 "
    "13145200 52013140 "
)
COMMON = frozenset(_WORDS.split())


def refused(password: str, username: str = "") -> Problem | None:
    """Why a new password is refused, or None."""
    if len(password) < SHORTEST:
        return _problem(f"密码至少 {SHORTEST} 个字符", f"A password has at least {SHORTEST} characters")
    if len(password) > LONGEST:
        return _problem(f"密码最多 {LONGEST} 个字符", f"A password has at most {LONGEST} characters")
    lowered = password.casefold()
    if lowered in COMMON or len(set(lowered)) <= 2 or _is_run(lowered):
        return _problem("这个密码太常见,容易被猜到", "This password is too common and easily guessed")
    if username and (username.casefold() in lowered and len(lowered) - len(username) < 4):
        return _problem("密码不能只是用户名的变形", "A password must be more than the username")
    return None


def _is_run(text: str) -> bool:
    """12345678, abcdefgh, 87654321: each character is the neighbour of the one before."""
    steps = {(ord(b) - ord(a)) for a, b in zip(text, text[1:], strict=False)}
    return len(steps) == 1 and abs(steps.pop()) <= 1 or text in "01234567890123456789"


def _problem(zh: str, en: str) -> Problem:
    return Problem("password", Text(zh, en), code="weak_password")
