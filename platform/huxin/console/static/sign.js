// Signs what the page shows with a private key that is read here and goes nowhere: form[data-sign].
"use strict";
(() => {
  const form = document.querySelector("form[data-sign]");
  if (!form) return;
  const field = form.querySelector("#key");
  const target = form.querySelector("#signature");
  const fault = form.querySelector("#sign-fault");
  const kinds = { EdDSA: [{ name: "Ed25519" }, { name: "Ed25519" }], ES256: [{ name: "ECDSA", namedCurve: "P-256" }, { name: "ECDSA", hash: "SHA-256" }] };

  const der = (pem) => Uint8Array.from(atob(pem.replace(/-----[^-]+-----|\s/g, "")), (each) => each.charCodeAt(0));
  const sign = async (bytes, shown) => {
    const [kept, used] = kinds[shown.dataset.alg];
    const key = await crypto.subtle.importKey("pkcs8", bytes, kept, false, ["sign"]);
    const made = await crypto.subtle.sign(used, key, new TextEncoder().encode(shown.textContent));
    return btoa(String.fromCharCode(...new Uint8Array(made)));
  };

  field.addEventListener("change", async () => {
    target.value = "";
    fault.hidden = true;
    const file = field.files[0];
    if (!file) return;
    for (const shown of form.querySelectorAll("[data-alg]")) {
      try {
        target.value = await sign(der(await file.text()), shown);
        return;
      } catch {
        // Of another kind: the next one.
      }
    }
    fault.hidden = false;
  });
})();
