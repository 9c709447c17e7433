// Checks a leaf of the audit log in the reader's browser, as docs/audit.md says: SHA-256, RFC 6962's tree, Ed25519.
"use strict";
(() => {
  const text = new TextEncoder();
  const hash = async (...parts) => {
    const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
    let at = 0;
    for (const part of parts) { whole.set(part, at); at += part.length; }
    return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
  };
  const unbase64 = (said) => Uint8Array.from(atob(said), (letter) => letter.charCodeAt(0));
  const unhex = (said) => Uint8Array.from(said.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const hex = (bytes) => Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("");
  const same = (one, other) => one.length === other.length && one.every((each, at) => each === other[at]);
  const leafHash = (data) => hash(Uint8Array.of(0), data);
  const nodeHash = (left, right) => hash(Uint8Array.of(1), left, right);

  // A signed note: three lines, an empty one, and lines of signatures.
  const opened = (note) => {
    const cut = note.lastIndexOf("\n\n");
    const signed = note.slice(0, cut + 1);
    const [origin, size, root] = signed.split("\n");
    const signatures = note.slice(cut + 2).split("\n").filter((line) => line.startsWith("\u2014 ")).map((line) => {
      const [, name, encoded] = line.split(" ");
      const raw = unbase64(encoded);
      return { name, id: hex(raw.slice(0, 4)), signature: raw.slice(4) };
    });
    if (cut < 0 || !/^(0|[1-9][0-9]*)$/.test(size ?? "") || !signatures.length) throw new Error("no checkpoint");
    return { signed, origin, size: BigInt(size), root: unbase64(root), signatures };
  };

  const keysIn = (lines) => lines.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
    const [name, digits, ...rest] = line.split("+");
    const raw = unbase64(rest.join("+"));
    if (raw.length !== 33 || raw[0] !== 1) throw new Error("no key");
    return { name, digits, raw };
  });

  // At least one of the keys, of the log's own name, has signed, and none of theirs is wrong.
  const isSigned = async (head, keys) => {
    let good = 0;
    for (const key of keys.filter((each) => each.name === head.origin)) {
      const digits = hex((await hash(text.encode(`${key.name}\n`), key.raw)).slice(0, 4));
      if (digits !== key.digits) return false;
      for (const each of head.signatures.filter((made) => made.name === key.name && made.id === digits)) {
        const imported = await crypto.subtle.importKey("raw", key.raw.slice(1), { name: "Ed25519" }, false, ["verify"]);
        if (!(await crypto.subtle.verify("Ed25519", imported, each.signature, text.encode(head.signed)))) return false;
        good += 1;
      }
    }
    return good > 0;
  };

  // RFC 9162, section 2.1.3.2.
  const climbed = async (leaf, number, size, path) => {
    let at = BigInt(number), last = size - 1n, top = leaf;
    if (at > last) return null;
    for (const each of path) {
      if (last === 0n) return null;
      if (at & 1n || at === last) {
        top = await nodeHash(each, top);
        while (at && !(at & 1n)) { at >>= 1n; last >>= 1n; }
      } else top = await nodeHash(top, each);
      at >>= 1n; last >>= 1n;
    }
    return last === 0n ? top : null;
  };

  // RFC 9162, section 2.1.4.2.
  const continues = async (older, newer, path) => {
    if (older.origin !== newer.origin || older.size > newer.size) return false;
    if (older.size === newer.size) return same(older.root, newer.root) && !path.length;
    if (older.size === 0n) return !path.length;
    const way = [...path];
    if ((older.size & (older.size - 1n)) === 0n) way.unshift(older.root);
    if (!way.length) return false;
    let at = older.size - 1n, last = newer.size - 1n;
    while (at & 1n) { at >>= 1n; last >>= 1n; }
    let old = way[0], now = way[0];
    for (const each of way.slice(1)) {
      if (last === 0n) return false;
      if (at & 1n || at === last) {
        old = await nodeHash(each, old);
        now = await nodeHash(each, now);
        while (at && !(at & 1n)) { at >>= 1n; last >>= 1n; }
      } else now = await nodeHash(now, each);
      at >>= 1n; last >>= 1n;
    }
    return last === 0n && same(old, older.root) && same(now, newer.root);
  };

  const grew = async (head, keys, note) => {
    const older = opened(note);
    if (!(await isSigned(older, keys))) return [false, older.origin];
    const place = document.querySelector("[data-growth]").dataset.growth;
    const answer = await fetch(`${place}?from=${older.size}&to=${head.size}`, { credentials: "same-origin" });
    const path = answer.ok ? (await answer.json()).path.map(unbase64) : null;
    return [path !== null && (await continues(older, head, path)), `${older.size} → ${head.size}`];
  };

  const run = async (proof, tell) => {
    const head = opened(proof.checkpoint);
    const keys = keysIn(document.getElementById("keys").value);
    const leaf = unbase64(proof.leaf_hash);
    const told = [];
    const step = async (name, found) => {
      let result;
      try { result = await found(); } catch { result = [false, ""]; }
      told.push(result[0]);
      tell(name, ...result);
    };
    if (proof.record !== null) {
      await step("record", async () => {
        const made = await leafHash(await hash(unhex(proof.salt), text.encode(proof.record)));
        return [same(made, leaf), hex(made)];
      });
    }
    await step("root", async () => {
      const top = await climbed(leaf, proof.number, head.size, proof.path.map(unbase64));
      return [top !== null && same(top, head.root), top ? hex(top) : ""];
    });
    await step("signature", async () => [await isSigned(head, keys), head.origin]);
    const older = document.getElementById("older").value;
    if (older.trim()) await step("growth", () => grew(head, keys, `${older.trim()}\n`));
    else tell("growth", null, "");
    return told.every(Boolean);
  };

  const begin = () => {
    const source = document.getElementById("proof");
    if (!source) return;
    const words = source.closest("[data-good]").dataset;
    const verdict = document.getElementById("verdict");
    const tell = (name, good, shown) => {
      const place = document.querySelector(`[data-step="${name}"] .proof-step`);
      if (place) place.textContent = `${good === null ? words.skipped : good ? `✓ ${words.good}` : `✗ ${words.bad}`} ${shown}`;
    };
    document.getElementById("check").addEventListener("click", async () => {
      verdict.textContent = "";
      if (!globalThis.crypto?.subtle) { verdict.textContent = words.none; return; }
      let good = false;
      try { good = await run(JSON.parse(source.textContent), tell); } catch { good = false; }
      verdict.textContent = good ? verdict.dataset.good : verdict.dataset.bad;
    });
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
