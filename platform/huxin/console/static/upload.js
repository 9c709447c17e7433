// A file in parts: dropped or chosen, sent four megabytes at a time, gone on with where it broke off.
"use strict";
(() => {
  const token = document.querySelector('meta[name="csrf"]')?.content ?? "";
  const send = async (address, body, type) => {
    const headers = { "X-CSRF-Token": token, "HX-Request": "true" };
    if (type) headers["Content-Type"] = type;
    const reply = await fetch(address, { method: body === undefined ? "GET" : "POST", headers, body, credentials: "same-origin" });
    if (reply.ok) return reply.json();
    const said = new DOMParser().parseFromString(await reply.text(), "text/html").body.textContent.trim();
    throw Object.assign(new Error(said), { status: reply.status });
  };
  const pause = (ms) => new Promise((go) => setTimeout(go, ms));

  const bind = (form) => {
    if (form.dataset.bound) return;
    form.dataset.bound = "yes";
    const input = form.querySelector('input[type="file"]');
    const bar = form.querySelector("progress");
    const words = form.querySelector("[data-words]");
    const base = form.dataset.upload;
    let busy = false;

    const key = (file) => `huxin ${base} ${file.name} ${file.size} ${file.lastModified}`;
    const recalled = async (file) => {
      const id = window.localStorage.getItem(key(file));
      if (!id) return null;
      try { return await send(`${base}/${id}/state`); } catch { return null; }
    };
    const begun = async (file) => {
      const said = new URLSearchParams({ name: file.name, size: String(file.size) });
      const made = await send(base, said, "application/x-www-form-urlencoded");
      window.localStorage.setItem(key(file), made.id);
      return made;
    };
    const part = async (file, upload, number) => {
      const slice = file.slice(number * upload.part, (number + 1) * upload.part);
      for (let tries = 0; ; tries += 1) {
        try { return await send(`${base}/${upload.id}/parts/${number}`, await slice.arrayBuffer(), "application/octet-stream"); }
        catch (fault) {
          // What the server says of this very part is final; that it came too slowly is not.
          if (tries >= 5 || (fault.status && fault.status < 500 && fault.status !== 408)) throw fault;
          await pause(1000 * 2 ** tries);
        }
      }
    };
    const tell = (said, done, whole) => {
      words.textContent = said;
      bar.hidden = false;
      bar.max = whole;
      bar.value = done;
    };
    const take = async (file) => {
      if (busy || !file) return;
      busy = true;
      try {
        const upload = (await recalled(file)) ?? (await begun(file));
        for (let number = upload.have; number < upload.parts; number += 1) {
          tell(`${form.dataset.sending} ${file.name}`, number, upload.parts);
          await part(file, upload, number);
        }
        tell(form.dataset.counting, upload.parts, upload.parts);
        const said = await send(`${base}/${upload.id}/finish`, new URLSearchParams(), "application/x-www-form-urlencoded");
        window.localStorage.removeItem(key(file));
        window.location.assign(said.next);
      } catch (fault) {
        bar.hidden = true;
        // A line that broke brings the browser's own words, in its own language.
        words.textContent = (fault.status && fault.message) || form.dataset.broken;
        words.setAttribute("role", "alert");
        input.value = "";
        busy = false;
      }
    };
    input.addEventListener("change", () => take(input.files[0]));
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("drop-over"); });
    form.addEventListener("dragleave", () => form.classList.remove("drop-over"));
    form.addEventListener("drop", (event) => {
      event.preventDefault();
      form.classList.remove("drop-over");
      take(event.dataTransfer?.files[0]);
    });
  };
  const whole = (root) => root.querySelectorAll("form[data-upload]").forEach(bind);
  whole(document);
  // A part of the page that came later brings its own form.
  document.addEventListener("htmx:load", (event) => whole(event.detail.elt));
})();
