"""The list of field types. Adding one: its file and its line here."""

from collections.abc import Mapping

from server.fields.base import FieldType
from server.fields.choice import ChoiceField
from server.fields.date import DateField
from server.fields.datetime import DatetimeField
from server.fields.decimal import DecimalField
from server.fields.department import DepartmentField
from server.fields.duration import DurationField
from server.fields.email import EmailField
from server.fields.file import FileField
from server.fields.image import ImageField
from server.fields.integer import IntegerField
from server.fields.link import LinkField
from server.fields.long_text import LongTextField
from server.fields.lookup import LookupField
from server.fields.multi_choice import MultiChoiceField
from server.fields.number import NumberField
from server.fields.percent import PercentField
from server.fields.phone import PhoneField
from server.fields.rating import RatingField
from server.fields.reference import ReferenceField
from server.fields.region import RegionField
from server.fields.rich_text import RichTextField
from server.fields.rollup import RollupField
from server.fields.serial import SerialField
from server.fields.snapshot import SnapshotField
from server.fields.text import TextField
from server.fields.user import UserField
from server.fields.yes_no import YesNoField

TYPES: tuple[FieldType, ...] = (
    TextField(),
    LongTextField(),
    RichTextField(),
    SerialField(),
    IntegerField(),
    NumberField(),
    DecimalField(),
    PercentField(),
    RatingField(),
    DurationField(),
    DateField(),
    DatetimeField(),
    YesNoField(),
    ChoiceField(),
    MultiChoiceField(),
    RegionField(),
    ReferenceField(),
    UserField(),
    DepartmentField(),
    EmailField(),
    PhoneField(),
    LinkField(),
    LookupField(),
    SnapshotField(),
    RollupField(),
    FileField(),
    ImageField(),
)

FIELD_TYPES: Mapping[str, FieldType] = {t.key: t for t in TYPES}
