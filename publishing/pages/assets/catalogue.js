// @ts-check
// What the pages do beyond being read: filtering, figures at a cell of verdicts, copying. They work
// from disk, so nothing is fetched and this is no module.
"use strict";

(() => {
  /**
   * @typedef {{opset: string, precision: string, bytes: number}} ModelFile
   * @typedef {{row: HTMLElement, text: string, classes: string[], source: string, family: string, files: ModelFile[]}} Model
   * @typedef {{words: string[], named: string, source: string, family: string, opset: string, precision: string, bytes: number}} Wanted
   */

  const SETTLED = 250; // milliseconds after which typing has paused; browsers limit changes of the address
  const NEAR = 6; // pixels between a cell and its figures
  const LOWEST = 120; // pixels that figures have at least, also where a cell is scrolled out of sight
  const LEAVING = 120; // milliseconds in which a pointer can move from a cell to its figures

  /**
   * Names are found whatever their case and separators: "vgg16bn" finds VGG16_BN.
   * @param {string} text
   */
  const squeezed = (text) => text.toLowerCase().replace(/[\s._-]+/g, "");

  /** @param {string} message for those who listen */
  const say = (message) => {
    const said = document.getElementById("said");
    if (said) said.textContent = message;
  };

  /** The names of classes, squeezed, by the number of their list, which models share. */
  const readClasses = () => {
    const lists = /** @type {NodeListOf<HTMLTemplateElement>} */ (
      document.querySelectorAll("template[id^='classes-']")
    );
    return Array.from(lists, (list) =>
      Array.from(list.content.children, (name) => squeezed(name.textContent ?? "")),
    );
  };

  /**
   * @param {HTMLElement} row
   * @param {string} framework the name of its source in prose
   * @param {string[][]} lists of the names of classes
   * @returns {Model}
   */
  const readModel = (row, framework, lists) => {
    const { source = "", family = "", files = "" } = row.dataset;
    const text = `${row.querySelector("h2")?.textContent} ${framework}`.toLowerCase();
    return {
      row,
      text: `${text} ${squeezed(text)}`,
      classes: lists[Number(row.dataset.classes)] ?? [],
      source,
      family,
      files: files.split(",").map((file) => {
        const [opset, precision, bytes] = file.split(" ");
        return { opset, precision, bytes: Number(bytes) };
      }),
    };
  };

  /**
   * @param {URLSearchParams} query
   * @returns {Wanted}
   */
  const readWanted = (query) => {
    const size = query.get("size");
    return {
      words: (query.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean),
      named: squeezed(query.get("class") ?? ""),
      source: query.get("source") ?? "",
      family: query.get("family") ?? "",
      opset: query.get("opset") ?? "",
      precision: query.get("precision") ?? "",
      bytes: size ? Number(size) * 1e6 : Infinity,
    };
  };

  /**
   * One file has to be all that is asked of files: small at another opset is no match.
   * @param {Model} model
   * @param {Wanted} wanted
   */
  const matches = (model, wanted) =>
    (!wanted.source || model.source === wanted.source) &&
    (!wanted.family || model.family === wanted.family) &&
    (!wanted.named || model.classes.some((name) => name.includes(wanted.named))) &&
    wanted.words.every((word) => model.text.includes(word) || model.text.includes(squeezed(word))) &&
    model.files.some(
      (file) =>
        (!wanted.opset || file.opset === wanted.opset) &&
        (!wanted.precision || file.precision === wanted.precision) &&
        file.bytes <= wanted.bytes,
    );

  /**
   * The rows in the order that is asked for: the least first, or the most accurate; those without it last.
   * @param {Model[]} models in the order of the page
   * @param {string} by the name of a figure of a row, or nothing
   */
  const sorted = (models, by) => {
    if (!by) return models;
    /** @param {Model} model */
    const figure = ({ row }) => {
      const text = row.dataset[by];
      return text === undefined ? Infinity : by === "top1" ? -Number(text) : Number(text);
    };
    return [...models].sort((one, other) => {
      const [left, right] = [figure(one), figure(other)];
      return left < right ? -1 : Number(left > right);
    });
  };

  /** One drawing at a time, where there are several; without this script, all are there. */
  const choosePlot = () => {
    const axes = document.getElementById("axes");
    if (!axes) return;
    const show = () => {
      for (const choice of axes.querySelectorAll("input")) {
        const plot = document.getElementById(`plot-${choice.value}`);
        if (plot) plot.hidden = !choice.checked;
      }
    };
    axes.hidden = false;
    axes.addEventListener("change", show);
    show();
  };

  /** @param {HTMLFormElement} form */
  const filterModels = (form) => {
    const rows = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".models > li"));
    const frameworks = new Map(Array.from(form.source.options, ({ value, text }) => [value, text]));
    const lists = readClasses();
    const models = Array.from(rows, (row) => readModel(row, frameworks.get(row.dataset.source) ?? "", lists));
    const count = /** @type {HTMLElement} */ (document.getElementById("count"));
    const none = /** @type {HTMLElement} */ (document.getElementById("none"));
    const list = /** @type {HTMLElement} */ (document.querySelector(".models"));
    /** @type {Map<string, Element[]>} */
    const marks = new Map();
    for (const mark of document.querySelectorAll(".accuracy a")) {
      const path = mark.getAttribute("href")?.split("#")[0] ?? "";
      marks.set(path, [...(marks.get(path) ?? []), mark]);
    }
    let settled = 0;
    let order = "";

    /** @param {string} by */
    const sort = (by) => {
      if (by !== order) list.append(...sorted(models, by).map(({ row }) => row));
      order = by;
    };
    const query = () => {
      const asked = new URLSearchParams();
      for (const [name, value] of new FormData(form)) {
        if (typeof value === "string" && value.trim()) asked.set(name, value.trim());
      }
      return asked;
    };
    const apply = () => {
      const wanted = readWanted(query());
      let shown = 0;
      for (const model of models) {
        const fits = matches(model, wanted);
        if (fits) shown += 1;
        if (model.row.hidden !== fits) continue;
        model.row.hidden = !fits;
        for (const mark of marks.get(model.row.querySelector("a")?.getAttribute("href") ?? "") ?? []) {
          mark.toggleAttribute("hidden", !fits);
        }
      }
      sort(query().get("sort") ?? "");
      const all = models.length === 1 ? "1 model" : `${models.length} models`;
      count.textContent = shown === models.length ? all : `${shown} of ${all}`;
      none.hidden = shown > 0;
    };
    const share = () => {
      const asked = query().toString();
      history.replaceState(null, "", asked ? `#${asked}` : location.pathname + location.search);
    };
    const changed = () => {
      apply();
      clearTimeout(settled);
      settled = setTimeout(share, SETTLED);
    };
    const readAddress = () => {
      const asked = new URLSearchParams(location.hash.slice(1));
      for (const field of form.elements) {
        if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) {
          field.value = asked.get(field.name) ?? "";
        }
      }
      apply();
    };

    form.hidden = false;
    document.getElementById("unscripted")?.remove();
    form.addEventListener("input", changed);
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(changed)); // the fields are empty only after the event
    document.getElementById("clear")?.addEventListener("click", () => {
      form.reset();
      document.getElementById("q")?.focus();
    });
    // A link to a place in the page is no filter.
    addEventListener("hashchange", () => (location.hash === "" || location.hash.includes("=")) && readAddress());
    readAddress();
  };

  /** Puts the figures that are open to their cell again, wherever it was scrolled. */
  let place = () => {};

  /**
   * Figures come up where the pointer or the focus is, and go with it; Escape closes them.
   * @param {HTMLButtonElement} cell
   */
  const showFigures = (cell) => {
    const figures = document.getElementById(cell.getAttribute("popovertarget") ?? "");
    if (!figures?.showPopover) return;
    cell.removeAttribute("popovertarget"); // it would close what the focus has just opened
    let leaving = 0;

    const placed = () => {
      const at = cell.getBoundingClientRect();
      const [above, below] = [at.top - 2 * NEAR, innerHeight - at.bottom - 2 * NEAR];
      figures.style.maxHeight = "";
      const isBelow = figures.offsetHeight <= below || below >= above;
      figures.style.maxHeight = `${Math.max(isBelow ? below : above, LOWEST)}px`;
      const { offsetWidth: width, offsetHeight: height } = figures;
      const right = document.documentElement.clientWidth - width - NEAR;
      figures.style.left = `${Math.max(NEAR, Math.min(at.left, right))}px`;
      figures.style.top = `${isBelow ? at.bottom + NEAR : at.top - NEAR - height}px`;
    };
    const show = () => {
      clearTimeout(leaving);
      if (!figures.matches(":popover-open")) figures.showPopover();
      place = placed;
      place();
    };
    const hide = () => {
      if (figures.matches(":popover-open")) figures.hidePopover();
    };
    const leave = () => {
      leaving = setTimeout(() => document.activeElement !== cell && hide(), LEAVING);
    };
    figures.addEventListener("mouseenter", () => clearTimeout(leaving));
    figures.addEventListener("mouseleave", leave);
    cell.addEventListener("mouseleave", leave);
    cell.addEventListener("mouseenter", show);
    cell.addEventListener("focus", show);
    cell.addEventListener("click", show);
    cell.addEventListener("blur", hide);
  };

  /**
   * @param {string} text
   * @param {HTMLElement} place that shows the text, to be selected where the clipboard is not to be had
   */
  const copy = async (text, place) => {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(text);
      return true;
    }
    getSelection()?.selectAllChildren(place); // pages over plain HTTP have no other way
    return document.execCommand("copy");
  };

  /** @param {HTMLButtonElement} button */
  const offerCopy = (button) => {
    const place = document.getElementById(button.dataset.copyFrom ?? "") ?? button.previousElementSibling;
    const label = /** @type {Text} */ (button.firstChild);
    const before = label.data;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const from = /** @type {HTMLElement} */ (place);
      const done = await copy(button.dataset.copy ?? from.textContent ?? "", from).catch(() => false);
      label.data = done ? "Copied" : "Failed";
      say(done ? "Copied" : "The browser did not allow copying");
      setTimeout(() => (label.data = before), 2000);
    });
  };

  const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form.filters"));
  if (form) filterModels(form);
  choosePlot();
  for (const cell of document.querySelectorAll("button.verdict")) {
    showFigures(/** @type {HTMLButtonElement} */ (cell));
  }
  addEventListener("scroll", () => place(), { passive: true, capture: true });
  for (const button of document.querySelectorAll("button.copy")) {
    offerCopy(/** @type {HTMLButtonElement} */ (button));
  }
})();
