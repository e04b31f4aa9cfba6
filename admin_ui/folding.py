"""Templates are compiled once for each language, so a sentence or an icon whose words stand in the template is text in the compiled template too."""

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame

# What gives the same for the same arguments in one language, by the global that stands for it. The macro `icon` of parts/kit.html is draw_icon.
FOLDED: Mapping[str, str] = {"t": "t", "icon": "draw_icon", "draw_icon": "draw_icon"}


class FoldingGenerator(CodeGenerator):
    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> str:
        if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in FOLDED and not self._takes_more(node):
            call: Callable[..., Any] = self.environment.globals[FOLDED[node.node.name]]  # type: ignore[assignment]
            node = nodes.Const(call(*(argument.as_const(frame.eval_ctx) for argument in node.args)))
        return super()._output_child_to_const(node, frame, finalize)

    @staticmethod
    def _takes_more(node: nodes.Call) -> bool:
        """Whether something of the call is known only when the template runs."""
        return bool(node.kwargs or node.dyn_args or node.dyn_kwargs) or not all(isinstance(argument, nodes.Const) for argument in node.args)
