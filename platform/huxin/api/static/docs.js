// Draws /openapi.json. Text enters the page as text only (textContent), never as markup.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];

function el(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = String(text);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function append(parent, ...children) {
  for (const child of children) if (child) parent.append(child);
  return parent;
}

// A paragraph's text without the line breaks of its source: a blank between words, none between Chinese characters.
function joined(text) {
  return text.trim().replace(/([\u3000-\u9fff\uff00-\uffef])\n\s*(?=[\u3000-\u9fff\uff00-\uffef])/g, "$1").replace(/\s*\n\s*/g, " ");
}

// The little of Markdown that descriptions use: `code`. Codes of errors lead to their texts.
function words(text) {
  const made = el("span");
  for (const part of joined(String(text || "")).split(/(`[^`]+`|H\d{4})/)) {
    if (/^`/.test(part)) append(made, el("code", part.slice(1, -1)));
    else append(made, /^H\d{4}$/.test(part) ? el("a", part, { href: "#" + part }) : el("span", part));
  }
  return made;
}

// Paragraphs, which a blank line parts.
function prose(text) {
  const made = el("div");
  for (const each of String(text || "").split(/\n\s*\n/)) if (each.trim()) append(made, append(el("p"), words(each)));
  return made;
}

function row(...cells) {
  return append(el("tr"), ...cells.map((cell) => append(el("td"), cell instanceof Node ? cell : el("span", cell))));
}

function table(heads, rows) {
  const head = append(el("tr"), ...heads.map((text) => el("th", text)));
  return append(el("table"), append(el("thead"), head), append(el("tbody"), ...rows));
}

function nameOf(reference) {
  return reference.split("/").pop();
}

function resolve(schema, spec) {
  return schema && schema.$ref ? spec.components.schemas[nameOf(schema.$ref)] || {} : schema || {};
}

// A schema's type in one line; what it refers to is a link.
function kind(schema) {
  if (!schema || Object.keys(schema).length === 0) return el("span", "—");
  if (schema.$ref) return el("a", nameOf(schema.$ref), { href: "#schema-" + nameOf(schema.$ref) });
  const choices = schema.anyOf || schema.oneOf || schema.allOf;
  if (choices) {
    const made = el("span");
    choices.forEach((each, index) => append(made, index ? el("span", " | ") : null, kind(each)));
    return made;
  }
  if (schema.type === "array") return append(el("span", "[ "), kind(schema.items), el("span", " ]"));
  if (schema.enum) return el("code", schema.enum.map((each) => JSON.stringify(each)).join(" | "));
  if (schema.const !== undefined) return el("code", JSON.stringify(schema.const));
  const bounds = ["format", "pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "maxItems"]
    .filter((name) => schema[name] !== undefined)
    .map((name) => `${name} ${schema[name]}`);
  return el("span", [schema.type || "object", ...bounds].join(", "));
}

function fields(schema) {
  const required = new Set(schema.required || []);
  const rows = Object.entries(schema.properties || {}).map(([name, each]) =>
    row(el("code", name + (required.has(name) ? " *" : "")), kind(each), words(each.description)));
  return rows.length ? table(["字段 · field (* 必填 required)", "类型 · type", "说明 · meaning"], rows) : kind(schema);
}

function parametersOf(operation) {
  const rows = (operation.parameters || []).map((each) =>
    row(el("code", each.name + (each.required ? " *" : "")), each.in, kind(each.schema), words(each.description)));
  return rows.length ? table(["参数 · parameter", "位置 · in", "类型 · type", "说明 · meaning"], rows) : null;
}

function bodyOf(operation, spec) {
  if (!operation.requestBody) return null;
  const made = el("div");
  for (const [media, each] of Object.entries(operation.requestBody.content)) {
    append(made, el("p", `请求体 · body: ${media}`), fields(resolve(each.schema, spec)));
    if (each.example) append(made, el("pre", JSON.stringify(each.example, null, 2)));
  }
  return made;
}

function answersOf(operation) {
  const rows = Object.entries(operation.responses).map(([status, each]) => {
    const first = Object.values(each.content || {})[0] || {};
    return row(status, kind(first.schema), words(each.description));
  });
  return table(["状态 · status", "内容 · content", "说明 · meaning"], rows);
}

function permission(operation) {
  const scopes = (operation.security || []).flatMap((each) => Object.values(each).flat());
  if (!(operation.security || []).length) return el("p", "无需令牌 · no token needed");
  const roles = (operation["x-roles"] || []).join(", ");
  return el("p", `权限范围 · scope: ${scopes.join(", ") || "—"}；角色 · roles: ${roles}`);
}

function operationOf(path, method, operation, spec) {
  const made = el("article", null, { id: operation.operationId });
  const head = append(el("h3"), el("span", method.toUpperCase(), { class: "method " + method.toUpperCase() }), el("code", path));
  append(made, head, el("p", operation.summary), prose(operation.description));
  append(made, permission(operation), parametersOf(operation), bodyOf(operation, spec));
  return append(made, append(el("details"), el("summary", "返回 · answers"), answersOf(operation)));
}

function heading(contents, page, text, id) {
  append(page, el("h2", text, { id }));
  append(contents, el("h2", text));
}

function operations(spec, contents, page) {
  for (const tag of spec.tags || []) {
    const found = Object.entries(spec.paths).flatMap(([path, each]) =>
      METHODS.filter((method) => each[method] && (each[method].tags || []).includes(tag.name))
        .map((method) => [path, method, each[method]]));
    if (!found.length) continue;
    heading(contents, page, tag.description || tag.name, "tag-" + tag.name);
    for (const [path, method, operation] of found) {
      append(page, operationOf(path, method, operation, spec));
      append(contents, el("a", `${method.toUpperCase()} ${path}`, { href: "#" + operation.operationId }));
    }
  }
}

function schemas(spec, contents, page) {
  heading(contents, page, "数据结构 · Schemas", "schemas");
  for (const [name, each] of Object.entries(spec.components.schemas)) {
    const made = el("article", null, { id: "schema-" + name });
    append(page, append(made, append(el("h3"), el("code", name)), prose(each.description), fields(each)));
    append(contents, el("a", name, { href: "#schema-" + name }));
  }
}

function errors(spec, contents, page) {
  heading(contents, page, "错误码 · Error codes", "errors");
  const rows = Object.entries(spec["x-errors"] || {}).map(([code, each]) => {
    const made = row(el("code", code), each.status, words(each.zh), words(each.en));
    made.id = code;
    return made;
  });
  append(page, table(["码 · code", "状态 · status", "中文", "English"], rows));
  append(contents, el("a", "H1101 …", { href: "#errors" }));
}

function draw(spec) {
  const contents = document.getElementById("contents");
  const page = document.getElementById("page");
  contents.replaceChildren(el("strong", spec.info.title));
  page.replaceChildren(el("h1", `${spec.info.title} API ${spec.info.version}`), prose(spec.info.description));
  append(page, append(el("p"), el("a", "/openapi.json", { href: "/openapi.json" })));
  operations(spec, contents, page);
  schemas(spec, contents, page);
  errors(spec, contents, page);
  const wanted = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (wanted) wanted.scrollIntoView();
}

fetch("/openapi.json")
  .then((response) => (response.ok ? response.json() : Promise.reject(new Error(response.status))))
  .then(draw)
  .catch((error) => {
    document.getElementById("page").replaceChildren(
      el("p", `接口描述读取失败（${error.message}）。请刷新。 · The description could not be read (${error.message}). Reload.`));
  });
