// What pages do beyond links and forms: htmx sends our token, charts are drawn from the figures that stand in the page.
"use strict";
(() => {
  const token = document.querySelector('meta[name="csrf"]')?.content;
  document.addEventListener("htmx:configRequest", (event) => {
    if (token) event.detail.headers["X-CSRF-Token"] = token;
  });

  // Tooltips as drawn text: HTML ones would bring styles that the page's policy forbids.
  const draw = (root) => {
    if (typeof echarts === "undefined") return;
    for (const source of root.querySelectorAll("script[data-chart]")) {
      const place = document.getElementById(source.dataset.chart);
      if (!place || echarts.getInstanceByDom(place)) continue;
      const option = JSON.parse(source.textContent);
      option.tooltip = { ...(option.tooltip || {}), renderMode: "richText" };
      option.animation = false;
      if (option.legend) option.legend = { top: 0, ...option.legend };
      if (place.dataset.rows) place.style.height = `${place.dataset.rows * 26 + 44}px`;
      echarts.init(place, null, { renderer: "canvas" }).setOption(option);
    }
  };
  const whole = () => draw(document);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", whole);
  else whole();
  document.addEventListener("htmx:afterSwap", (event) => draw(event.target));
  window.addEventListener("resize", () => {
    if (typeof echarts === "undefined") return;
    for (const place of document.querySelectorAll(".chart")) echarts.getInstanceByDom(place)?.resize();
  });

  // A click on [data-copy="#id"] copies that field's text; [data-print] prints.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy], [data-print]");
    if (!button) return;
    if ("print" in button.dataset) window.print();
    else navigator.clipboard?.writeText(document.querySelector(button.dataset.copy)?.textContent.trim() ?? "");
  });
  // [data-confirm] asks first.
  document.addEventListener("submit", (event) => {
    const words = event.submitter?.dataset.confirm || event.target.dataset.confirm;
    if (words && !window.confirm(words)) event.preventDefault();
  });
})();
