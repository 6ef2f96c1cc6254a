"use strict";
// Draws the figures from the JSON in each card. The page sends no requests.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const coarse = matchMedia("(pointer: coarse)");
  const narrow = matchMedia("(max-width: 30rem)");
  const tip = document.getElementById("tip");
  const columns = Number(getComputedStyle(document.documentElement).getPropertyValue("--columns"));
  const cards = [...document.querySelectorAll(".card")].flatMap((card) => {
    const source = card.querySelector("script[type='application/json']");
    return source ? [{ card, data: JSON.parse(source.textContent), view: 0, drawn: false, shown: {} }] : [];
  });
  const PAPER = 660; // maximum width in pixels on A4 or Letter paper, portrait
  let printing = false;

  function colours() {
    const shown = getComputedStyle(document.documentElement);
    const of = (name) => shown.getPropertyValue(name).trim();
    return printing ? { ink: "#000", soft: "#333", line: "#ccc" }
      : { ink: of("--ink"), soft: of("--soft"), line: of("--line") };
  }

  function axis(own, colour) {
    return {
      automargin: true, gridcolor: colour.line, zerolinecolor: colour.line, linecolor: colour.line,
      tickfont: { color: colour.ink }, ...own,
      title: { standoff: 8, font: { color: colour.soft, size: 13 }, ...(own && own.title) },
    };
  }

  const SIGNS = {
    circle: "\u25cf", square: "\u25a0", diamond: "\u25c6", "triangle-up": "\u25b2", cross: "\u271a",
    star: "\u2605", x: "\u2716", "triangle-down": "\u25bc", "line-ns": "|",
  };
  const LINES = { solid: "\u2501", dash: "\u2505", dot: "\u2509", dashdot: "\u254d" };

  // Legend entry of a trace; a line and the band around it share one entry.
  const group = (trace) => trace.legendgroup || trace.name;
  const isShown = (one, trace) => one.shown[group(trace)] ?? (trace.visible ?? true) === true;

  function tracesOf(one) {
    // A copy, because Plotly modifies its arguments.
    return structuredClone(one.data.views[one.view].traces).map((trace) => ({
      ...trace, visible: isShown(one, trace),
    }));
  }

  function legend(one) {
    const place = one.card.querySelector(".legend");
    const { traces, layout } = one.data.views[one.view];
    const named = traces.filter((trace) => trace.name && trace.showlegend !== false);
    place.replaceChildren();
    if (named.length < 2 || layout.showlegend === false) return;
    for (const trace of named) {
      const button = document.createElement("button");
      const sign = document.createElement("span");
      sign.className = "sign";
      sign.setAttribute("aria-hidden", "true");
      const marker = trace.mode === "lines" ? undefined : trace.marker;
      sign.textContent = trace.type === "bar" ? (trace.marker.pattern?.shape ? "\u25a8" : "\u25a0")
        : marker ? SIGNS[marker.symbol || "circle"] : LINES[trace.line?.dash || "solid"];
      sign.style.color = marker?.color || trace.line?.color;
      const label = document.createElement("span");
      // Decode Plotly's HTML entities; textContent keeps the result as text.
      label.textContent = new DOMParser().parseFromString(trace.name, "text/html").body.textContent;
      button.type = "button";
      button.append(sign, label);
      button.setAttribute("aria-pressed", String(isShown(one, trace)));
      button.addEventListener("click", () => {
        one.shown[group(trace)] = !isShown(one, trace);
        button.setAttribute("aria-pressed", String(isShown(one, trace)));
        draw(one);
      });
      place.append(button);
    }
  }

  function layoutOf(one) {
    const colour = colours();
    const { offsetWidth: wide } = one.card.querySelector(".plot");
    const own = one.data.views[one.view].layout;
    const shapes = (own.shapes || []).map((shape) => ({
      ...shape, line: { color: colour.soft, width: 1.5, dash: "dash" },
    }));
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, sans-serif", size: narrow.matches ? 11 : 13, color: colour.ink },
      margin: { l: 8, r: 12, t: 8, b: 8 }, height: one.data.height,
      ...(printing ? { width: Math.min(wide, PAPER) } : { autosize: true }),
      hoverlabel: { font: { family: "system-ui, sans-serif" } },
      dragmode: coarse.matches ? false : "zoom",
      ...own,
      showlegend: false, uirevision: String(one.view),
      xaxis: axis(own.xaxis, colour), yaxis: axis(own.yaxis, colour), shapes,
    };
  }

  function draw(one) {
    const plot = one.card.querySelector(".plot");
    one.drawn = true;
    tip.hidden = true;
    Plotly.react(plot, tracesOf(one), layoutOf(one), {
      displayModeBar: false, responsive: true, doubleClick: "reset", showTips: false,
    });
    if (!plot.dataset.listening) {
      plot.dataset.listening = "yes";
      plot.on("plotly_click", (event) => choose(one, String(event.points[0].customdata)));
      plot.on("plotly_hover", (event) => hover(one, event));
      plot.on("plotly_unhover", () => { tip.hidden = true; });
    }
  }

  function face(number, label) {
    const shown = document.createElement("span");
    shown.className = "face";
    shown.setAttribute("role", "img");
    shown.setAttribute("aria-label", label);
    shown.style.setProperty("--x", number % columns);
    shown.style.setProperty("--y", Math.floor(number / columns));
    return shown;
  }

  function choose(one, cell) {
    const place = one.card.querySelector(".chosen");
    const numbers = one.data.faces[cell];
    if (!place) return;
    if (!numbers) {
      place.replaceChildren();
      return;
    }
    const select = one.card.querySelector("select");
    if (select) select.value = cell;
    const title = document.createElement("p");
    const named = select ? select.selectedOptions[0].textContent : "";
    title.textContent = `${numbers.length} ${numbers.length === 1 ? "face" : "faces"}: ${named}`;
    const list = document.createElement("ul");
    for (const number of numbers) {
      const item = document.createElement("li");
      item.append(face(number, `${named}, ${list.children.length + 1} of ${numbers.length}`));
      list.append(item);
    }
    place.replaceChildren(title, list);
  }

  function hover(one, event) {
    const point = event.points[0];
    if (typeof point.customdata !== "number") return;
    const words = document.createElement("div");
    words.textContent = one.data.hover[point.data.meta[point.pointNumber]];
    tip.replaceChildren(words);
    if (point.customdata >= 0) tip.prepend(face(point.customdata, words.textContent));
    tip.hidden = false;
    const { clientX: x, clientY: y } = event.event;
    const left = x + 16 + tip.offsetWidth > innerWidth ? x - 16 - tip.offsetWidth : x + 16;
    tip.style.left = `${Math.max(0, left)}px`;
    tip.style.top = `${Math.max(0, Math.min(y + 12, innerHeight - tip.offsetHeight))}px`;
  }

  function save(name, type, text) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function csv({ columns: names, rows }) {
    const cell = (value) => {
      const text = value === null ? "" : String(value);
      // A spreadsheet would run text that begins like a formula.
      const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
      return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
    };
    return [names, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
  }

  // A tabular of the package booktabs.
  function tex({ columns: names, rows }) {
    const signs = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}" };
    const cell = (value) => (value === null ? "" : String(value)).replace(/[\\~^]|[&%$#_{}]/g,
      (sign) => signs[sign] || `\\${sign}`).replace(/\s+/g, " ");
    const line = (row) => `${row.map(cell).join(" & ")} \\\\`;
    const align = names.map((_, place) => rows.some((row) => typeof row[place] === "number") ? "r" : "l");
    return ["% needs \\usepackage{booktabs}", `\\begin{tabular}{${align.join("")}}`, "\\toprule",
      line(names), "\\midrule", ...rows.map(line), "\\bottomrule", "\\end{tabular}", ""].join("\n");
  }

  // The print dialog of the browser saves PDF with lines and text, not pixels.
  function printOne(one) {
    document.body.classList.add("one");
    one.card.classList.add("printed");
    print();
    one.card.classList.remove("printed");
    document.body.classList.remove("one");
  }

  async function saveSvg(one) {
    const plot = one.card.querySelector(".plot");
    printing = true; // dark ink without a background, for white paper
    const figure = { data: tracesOf(one), layout: layoutOf(one) };
    printing = false;
    const size = { width: plot.offsetWidth, height: plot.offsetHeight };
    Object.assign(figure.layout, {
      width: size.width, showlegend: one.data.views[one.view].layout.showlegend ?? figure.data.length > 1,
      legend: { orientation: "h", x: 0, y: 0, yref: "container", yanchor: "bottom" },
    });
    for (const name of ["xaxis", "yaxis"]) { // keep the zoom
      if (!plot.layout[name]?.autorange) figure.layout[name].range = plot._fullLayout[name].range;
    }
    const url = await Plotly.toImage(figure, { format: "svg", ...size });
    save(`${one.card.id}.svg`, "image/svg+xml", decodeURIComponent(url.slice(url.indexOf(",") + 1)));
  }

  for (const one of cards) {
    const { card } = one;
    for (const button of card.querySelectorAll("[data-view]")) {
      button.addEventListener("click", () => {
        one.view = Number(button.dataset.view);
        for (const other of card.querySelectorAll("[data-view]")) {
          other.setAttribute("aria-pressed", String(other === button));
        }
        legend(one);
        draw(one);
      });
    }
    if (card.dataset.kind === "figure") legend(one);
    for (const button of card.querySelectorAll("[data-save]")) {
      button.addEventListener("click", () => {
        if (button.dataset.save === "svg") saveSvg(one);
        else if (button.dataset.save === "pdf") printOne(one);
        else if (button.dataset.save === "tex") save(`${card.id}.tex`, "application/x-tex", tex(one.data.table));
        else save(`${card.id}.csv`, "text/csv", csv(one.data.table));
      });
    }
    const select = card.querySelector("select");
    if (select) select.addEventListener("change", () => choose(one, select.value));
  }

  const figures = cards.filter((one) => one.card.dataset.kind === "figure");
  const redraw = () => figures.filter((one) => one.drawn).forEach(draw);
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((seen) => seen.isIntersecting)) {
      near.unobserve(entry.target);
      draw(figures.find((one) => one.card === entry.target));
    }
  }, { rootMargin: "600px" });
  figures.forEach((one) => near.observe(one.card));
  dark.addEventListener("change", redraw);
  narrow.addEventListener("change", redraw);
  addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });
  addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });
  addEventListener("beforeprint", () => { printing = true; figures.forEach(draw); });
  addEventListener("afterprint", () => { printing = false; redraw(); });
})();
