"""What a template says in its own words is text once it is compiled for a language."""

from zoneinfo import ZoneInfo

from admin_ui.render import Renderer
from server.errors import Text


def test_words_and_icons_of_the_template_are_compiled_in() -> None:
    environment = Renderer(ZoneInfo("UTC")).environments["en"]
    source = "{{ t('甲', 'A & B') }}{{ draw_icon('plus') }}{{ t(x) }}{{ t('乙' ~ y, 'b' ~ y) }}"
    made = str(environment.compile(source, raw=True))
    assert "A &amp; B<svg" in made and "'甲'" not in made
    assert environment.from_string(source).render(x=Text("丙", "<c>"), y="!") == f"A &amp; B{environment.globals['draw_icon']('plus')}&lt;c&gt;b!"  # type: ignore[operator]
