"use strict";
// Draws the figures of the page from the JSON beside each of them. No request leaves the page.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const coarse = matchMedia("(pointer: coarse)");
  const narrow = matchMedia("(max-width: 30rem)");
  const tip = document.getElementById("tip");
  const columns = Number(getComputedStyle(document.documentElement).getPropertyValue("--columns"));
  const cards = [...document.querySelectorAll(".card")].flatMap((card) => {
    const source = card.querySelector("script[type='application/json']");
    return source ? [{ card, data: JSON.parse(source.textContent), view: 0, drawn: false }] : [];
  });
  const PAPER = 660; // pixels that fit on a sheet of A4 or Letter, upright
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

  function layoutOf(one) {
    const colour = colours();
    const { offsetWidth: wide } = one.card.querySelector(".plot");
    const own = one.data.views[one.view].layout;
    const shapes = (own.shapes || []).map((shape) => {
      const { class: ignored, ...rest } = shape;
      return { ...rest, line: { color: colour.soft, width: 1.5, dash: "dash" } };
    });
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, sans-serif", size: narrow.matches ? 11 : 13, color: colour.ink },
      margin: { l: 8, r: 12, t: 8, b: 8 }, height: one.data.height,
      ...(printing ? { width: Math.min(wide, PAPER) } : { autosize: true }),
      hoverlabel: { font: { family: "system-ui, sans-serif" } },
      dragmode: coarse.matches ? false : "zoom",
      ...own,
      legend: { orientation: "h", x: 0, y: 0, yref: "container", yanchor: "bottom", font: { size: narrow.matches ? 11 : 12 }, itemsizing: "constant", ...own.legend },
      xaxis: axis(own.xaxis, colour), yaxis: axis(own.yaxis, colour), shapes,
    };
  }

  function draw(one) {
    const plot = one.card.querySelector(".plot");
    const { traces } = one.data.views[one.view];
    one.drawn = true;
    // Copied: Plotly writes into what it is given.
    Plotly.react(plot, structuredClone(traces), layoutOf(one), {
      displayModeBar: false, responsive: true, doubleClick: "reset",
    });
    if (!plot.dataset.listening) {
      plot.dataset.listening = "yes";
      plot.on("plotly_click", (event) => choose(one, event.points[0].customdata));
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
    if (!place || !numbers) return;
    const select = one.card.querySelector("select");
    if (select) select.value = cell;
    const title = document.createElement("p");
    const named = select ? select.selectedOptions[0].textContent : "";
    title.textContent = `${numbers.length} ${numbers.length === 1 ? "face" : "faces"}: ${named}`;
    const list = document.createElement("ul");
    for (const number of numbers) {
      const item = document.createElement("li");
      item.append(face(number, named));
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
      // A name that begins as a formula does would be one in a spreadsheet.
      const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
      return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
    };
    return [names, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
  }

  async function saveSvg(one) {
    const plot = one.card.querySelector(".plot");
    printing = true; // dark ink on nothing: a paper is white
    const figure = { data: structuredClone(one.data.views[one.view].traces), layout: layoutOf(one) };
    printing = false;
    const size = { width: plot.offsetWidth, height: plot.offsetHeight };
    figure.layout.width = size.width;
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
        draw(one);
      });
    }
    for (const button of card.querySelectorAll("[data-save]")) {
      button.addEventListener("click", () => {
        if (button.dataset.save === "svg") saveSvg(one);
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
  addEventListener("beforeprint", () => { printing = true; figures.forEach(draw); });
  addEventListener("afterprint", () => { printing = false; redraw(); });
})();
