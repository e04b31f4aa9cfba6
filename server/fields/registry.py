"""The list of field types. Adding one: its file and its line here."""

from collections.abc import Mapping

from server.fields.base import FieldType
from server.fields.choice import ChoiceField
from server.fields.date import DateField
from server.fields.datetime import DatetimeField
from server.fields.decimal import DecimalField
from server.fields.email import EmailField
from server.fields.file import FileField
from server.fields.image import ImageField
from server.fields.integer import IntegerField
from server.fields.link import LinkField
from server.fields.long_text import LongTextField
from server.fields.multi_choice import MultiChoiceField
from server.fields.number import NumberField
from server.fields.phone import PhoneField
from server.fields.reference import ReferenceField
from server.fields.text import TextField
from server.fields.user import UserField
from server.fields.yes_no import YesNoField

TYPES: tuple[FieldType, ...] = (
    TextField(),
    LongTextField(),
    IntegerField(),
    NumberField(),
    DecimalField(),
    DateField(),
    DatetimeField(),
    YesNoField(),
    ChoiceField(),
    MultiChoiceField(),
    ReferenceField(),
    UserField(),
    EmailField(),
    PhoneField(),
    LinkField(),
    FileField(),
    ImageField(),
)

FIELD_TYPES: Mapping[str, FieldType] = {t.key: t for t in TYPES}
