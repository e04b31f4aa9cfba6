// Charts from data blocks: <div class="chart" data-chart="ID"> beside <script type="application/json" id="ID">.
// Colours come from the CSS variables, so light and dark are the same code; every chart has its table beside it.
(() => {
  "use strict";
  const drawn = new Map();
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const axis = () => ({
    axisLine: { lineStyle: { color: css("line-2") } }, axisTick: { show: false },
    axisLabel: { color: css("ink-3"), fontSize: 11, hideOverlap: true }, splitLine: { lineStyle: { color: css("grid") } },
  });
  const INK = { threshold: "lv3-ink", clear: "accent-ink", target: "accent-ink", mean: "ink-2", border: "ink-3" };
  const LINE = { threshold: "lv3", clear: "accent", target: "accent", mean: "ink-3", border: "line-2" };

  // Labels of lines that lie close together step aside.
  function aside(marks, low, high) {
    const sorted = [...marks].sort((a, b) => a.value - b.value);
    sorted.forEach((m, i) => {
      const near = (n) => n && Math.abs(n.value - m.value) < (high - low) * 0.075;
      m.shift = near(sorted[i + 1]) ? 8 : near(sorted[i - 1]) ? -8 : 0;
    });
  }

  function mark(m, narrow) {
    return {
      yAxis: m.value,
      lineStyle: { color: css(LINE[m.kind] || "ink-3"), width: m.kind === "clear" || m.kind === "border" ? 1 : 1.5, type: m.kind === "clear" || m.kind === "border" ? [4, 3] : "solid" },
      label: { formatter: narrow && m.short ? m.short : m.label, color: css(INK[m.kind] || "ink-2"), fontSize: 12, fontWeight: m.kind === "clear" ? 400 : 600, position: m.kind === "border" ? "insideStartTop" : "end", offset: [0, m.kind === "border" ? 0 : m.shift || 0] },
    };
  }

  function line(data, narrow) {
    const points = data.y.map((v, i) => [data.x[i], v]);
    const last = data.y.length - 1;
    const known = [...data.y.filter((v) => v !== null), ...(data.marks || []).map((m) => m.value)];
    aside(data.marks || [], data.min ?? Math.min(...known), data.max ?? Math.max(...known));
    const zones = (data.zones || []).map((z) => [{ yAxis: z.from, itemStyle: { color: css(z.color || "lv3"), opacity: 0.09 } }, { yAxis: z.to }]);
    const span = data.period ? [[{ xAxis: data.period[0], itemStyle: { color: css("accent"), opacity: 0.1 } }, { xAxis: data.period[1] }]] : [];
    const right = (data.marks || []).some((m) => m.kind !== "border") ? (narrow ? 68 : 104) : 40;
    return {
      grid: { left: data.left || 44, right, top: 18, bottom: 26 },
      xAxis: { ...axis(), type: data.categories ? "category" : "time", boundaryGap: data.categories ? true : false, data: data.categories ? data.x : undefined,
               splitLine: { show: false }, axisLabel: { ...axis().axisLabel, formatter: data.categories ? undefined : (v) => shortDate(v, data.locale) } },
      yAxis: { ...axis(), type: "value", min: data.min, max: data.max, scale: data.min === undefined, splitNumber: 4, axisLine: { show: false }, axisLabel: { ...axis().axisLabel, showMaxLabel: data.max === undefined || data.max === null } },
      series: [
        { type: "line", data: points, step: data.step ? "end" : false, symbol: points.length > 40 ? "none" : "circle", symbolSize: 5, connectNulls: false,
          lineStyle: { width: 2, color: css("ink") }, itemStyle: { color: css("ink-2") }, z: 4,
          markArea: { silent: true, data: [...zones, ...span] },
          markLine: { silent: true, symbol: "none", data: (data.marks || []).map((m) => mark(m, narrow)) } },
        { type: "scatter", data: last >= 0 && data.y[last] !== null ? [points[last]] : [], symbolSize: 10, z: 6,
          itemStyle: { color: css(data.bad ? "lv3" : "accent"), borderColor: css("bg"), borderWidth: 2 },
          label: { show: true, formatter: data.last || String(data.y[last]), position: "top", distance: 6, color: css("ink"), fontWeight: 700, fontSize: 13, backgroundColor: css("bg"), padding: [1, 3], borderRadius: 3 } },
      ],
    };
  }

  function pair(data) {
    // Grey bars now, stepped line draft.
    return {
      grid: { left: 40, right: 12, top: 16, bottom: 26 },
      xAxis: { ...axis(), type: "category", data: data.x },
      yAxis: { ...axis(), type: "value", axisLine: { show: false }, splitNumber: 4 },
      series: [
        { type: "bar", data: data.now, barCategoryGap: "10%", itemStyle: { color: css("line-2") } },
        { type: "line", step: "middle", data: data.draft, symbol: "none", lineStyle: { color: css("draft"), width: 2 } },
      ],
    };
  }

  function shortDate(value, locale) {
    const d = new Date(value);
    const far = d.getMonth() === 0;
    return new Intl.DateTimeFormat(locale === "en" ? "en" : "zh-CN", far ? { year: "numeric", month: "short" } : { month: "short", day: "numeric" }).format(d);
  }

  function draw(box) {
    const source = document.getElementById(box.dataset.chart);
    if (!source || !window.echarts) return;
    drawn.get(box)?.dispose();
    const data = JSON.parse(source.textContent);
    const chart = window.echarts.init(box, null, { renderer: "svg" });
    const font = css("font") || "system-ui,sans-serif";
    const options = data.type === "pair" ? pair(data) : line(data, box.clientWidth < 520);
    chart.setOption({ animation: false, textStyle: { fontFamily: font, fontSize: 11, color: css("ink-3") }, aria: { enabled: true, label: { description: data.title || "" } }, ...options });
    drawn.set(box, chart);
  }

  function all() {
    for (const [box, chart] of drawn) if (!box.isConnected) { chart.dispose(); drawn.delete(box); }
    document.querySelectorAll("[data-chart]").forEach(draw);
  }
  document.addEventListener("DOMContentLoaded", all);
  document.addEventListener("htmx:after:swap", all);
  addEventListener("resize", () => drawn.forEach((chart) => chart.resize()));
  new MutationObserver(all).observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
})();
