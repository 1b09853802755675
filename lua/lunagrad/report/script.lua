--- The one script of a page: opens what an address points at, sorts tables, finds the cell of the
--- matrix under a click, writes calls out, compares two versions of a text, and on a served page
--- takes over what changed. It stands in the page; of a report it asks nobody for anything, and without it
--- the page still reads. What it puts in is text, never markup.
return [==[
"use strict";
(() => {
const d = document, $ = (s, e = d) => e.querySelector(s);
const $$ = (s, e = d) => [...e.querySelectorAll(s)];
const el = (tag, cls, text) => {
  const e = d.createElement(tag);
  if (cls) e.className = cls;
  if (text != null) e.textContent = text;
  return e;
};
d.documentElement.classList.add("js");

// The state of the page is its address: #s1p3, or #at=s1p3&call-filter=words.
const state = () => {
  const h = location.hash.slice(1);
  return new URLSearchParams(h.includes("=") ? h : "at=" + h);
};
const save = (k, v) => {
  const s = state();
  v ? s.set(k, v) : s.delete(k);
  history.replaceState(null, "", "#" + s);
};
function go(id, quiet) {
  const e = id && d.getElementById(id);
  if (!e) return;
  for (let p = e; p; p = p.parentElement) {
    p.hidden = false;
    if (p.tagName == "DETAILS") p.open = true;
  }
  e.scrollIntoView({ block: "start" });
  if (!quiet) save("at", id);
}

d.addEventListener("click", ev => {
  const a = ev.target.closest("a"), m = ev.target.closest("svg.matrix"), q = $("#call-filter");
  const h = a && a.getAttribute("href") || "";
  if (h[0] == "#") {
    ev.preventDefault();
    if (a.dataset.q && q) { q.value = a.dataset.q; q.dispatchEvent(new Event("input")); }
    go(h.slice(1));
  } else if (m && !a) {
    const r = m.getBoundingClientRect(), D = m.dataset, k = m.viewBox.baseVal.width / r.width;
    const e = D.examples.split(",")[Math.floor(((ev.clientX - r.left) * k - D.x) / D.cell)];
    if (e) go(D.prefix + "e" + e);
  }
});

function sortable(t) {
  const kept = (state().get("sort-" + t.id) || "").match(/^(\d+)([ad])$/);
  $$("th", t).forEach((h, i) => {
    h.dataset.sort = ""; h.tabIndex = 0;
    const value = r => {
      const c = r.cells[i], x = c.dataset.v != null ? c.dataset.v : c.textContent.trim();
      return isNaN(parseFloat(x)) ? x : parseFloat(x);
    };
    const f = (quiet) => {
      const s = h.dataset.sort == "a" ? -1 : 1;
      $$("th", t).forEach(o => { o.dataset.sort = ""; o.removeAttribute("aria-sort"); });
      h.dataset.sort = s > 0 ? "a" : "d";
      h.setAttribute("aria-sort", s > 0 ? "ascending" : "descending");
      if (t.id && quiet !== true) save("sort-" + t.id, i + h.dataset.sort);
      [...t.tBodies[0].rows].map((r, j) => [value(r), j, r])
        .sort((x, y) => (x[0] < y[0] ? -1 : x[0] > y[0] ? 1 : 0) * s || x[1] - y[1])
        .forEach(x => t.tBodies[0].append(x[2]));
    };
    h.addEventListener("click", f);
    h.addEventListener("keydown", e => { if (e.key == "Enter") f(); });
    if (kept && kept[1] == i) { if (kept[2] == "d") h.dataset.sort = "a"; f(true); }
  });
}

// ---- calls: [id, role, model, in, out, micros, microseconds, for, finish, [[role, text]], end]
function calls(box) {
  const C = JSON.parse(box.textContent), list = $("#call-list"), q = $("#call-filter"), N = 100;
  let at = 0, rows = C.calls;
  const words = r => [r[0], C.roles[r[1]], C.models[r[2]], r[7], r[8]].join(" ").toLowerCase();
  const curl = r => {
    const said = r[9].filter(m => m[0] != "reply" && m[0] != "thought before");
    const body = { model: C.models[r[2]].replace(/^[^/]*\//, ""),
      messages: said.map(m => ({ role: m[0], content: C.texts[m[1]] })) };
    const [url, key] = C.ends[r[10] - 1];
    return "curl '" + url.replace(/'/g, "'\\''") + '\' -H "Content-Type: application/json"'
      + ' -H "Authorization: Bearer $' + key
      + "\" -d '" + JSON.stringify(body).replace(/'/g, "'\\''") + "'";
  };
  function fill(x, r) {
    if (!r[9]) {
      x.append(el("p", "soft small", "Its text is not here: lunagrad show " + C.run + " --call "
        + r[0]));
      return;
    }
    for (const [who, t] of r[9]) x.append(el("div", "soft small", who), el("pre", "", C.texts[t]));
    if (r[10]) x.append(el("div", "soft small", "the same as curl"), el("pre", "", curl(r)));
  }
  async function ask(x, r) {
    if (!r[9] && C.more) {
      const got = await (await fetch(C.more + "/call/" + r[0])).json();
      r[9] = got.messages.map(m => [m[0], C.texts.push(m[1]) - 1]);
    }
    fill(x, r);
  }
  function one(r) {
    const x = el("details"), s = el("summary");
    x.id = "call" + r[0];
    s.append(el("b", "", "#" + r[0]), el("span", "tag", C.roles[r[1]]),
      el("span", "soft small", C.models[r[2]]), el("span", "small", r[3] + " in, " + r[4] + " out"),
      el("span", "small", r[5] == null ? "" : "$" + (r[5] / 1e6).toFixed(6)),
      el("span", "small", r[6] == null ? "" : (r[6] / 1e6).toFixed(2) + " s"),
      el("span", "small", r[7] || ""), el("span", "small", r[8] || ""));
    x.append(s);
    x.addEventListener("toggle", () => { if (x.open && x.childElementCount < 2) ask(x, r); });
    return x;
  }
  const btn = el("button", "", "more");
  let last = C.last;
  async function fetched() {
    const w = q.value ? "&words=" + encodeURIComponent(q.value) : "";
    const got = await (await fetch(C.more + "/calls?after=" + last + w)).json();
    last = got.last;
    got.calls.forEach(r => {
      r[1] = C.roles.includes(r[1]) ? C.roles.indexOf(r[1]) : C.roles.push(r[1]) - 1;
      r[2] = C.models.includes(r[2]) ? C.models.indexOf(r[2]) : C.models.push(r[2]) - 1;
    });
    rows = rows.concat(got.calls);
  }
  const left = () => C.more ? last != null : at < rows.length;
  async function more() {
    if (C.more && at >= rows.length && last != null) await fetched();
    rows.slice(at, at + N).forEach(r => list.insertBefore(one(r), btn));
    at = Math.min(rows.length, at + N);
    btn.hidden = !left() && at >= rows.length;
    btn.textContent = C.more ? "more" : "more (" + (rows.length - at) + ")";
  }
  async function filter() {
    const w = q.value.toLowerCase();
    if (C.more) { rows = []; last = 0; }
    else rows = w ? C.calls.filter(r => words(r).includes(w)) : C.calls;
    at = 0;
    $$("details", list).forEach(e => e.remove());
    await more();
  }
  btn.addEventListener("click", more);
  list.append(btn);
  let wait;
  q.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(filter, C.more ? 300 : 0);
    save("call-filter", q.value);
  });
  q.value = state().get("call-filter") || "";
  q.value ? filter() : more();
  const wanted = (state().get("at") || "").match(/^call(\d+)$/);
  if (wanted && !C.more) {
    const i = rows.findIndex(r => r[0] == wanted[1]);
    while (i >= 0 && at <= i) more();
  }
}

// ---- examples by how the best texts do on them
function flips(s) {
  const show = () => $$("details", s.closest("details")).forEach(e => {
    e.hidden = s.value && !(e.dataset.f || "").split(" ").includes(s.value);
  });
  s.addEventListener("change", () => { save(s.id, s.value); show(); });
  const kept = state().get(s.id);
  if (kept) { s.value = kept; s.closest("details").open = true; }
  show();
}

// ---- two versions of a text, by words (Myers)
const cut = t => t.match(/[\p{L}\p{N}_]+\s*|[^]\s*/gu) || [];
const down = (v, k, t) => k == -t || k != t && (v[k - 1] ?? -1) < (v[k + 1] ?? -1);
function changed(before, after) {
  const a = cut(before), b = cut(after), n = a.length, m = b.length, V = [{ 1: 0 }];
  let D = -1;
  for (let t = 0; t <= Math.min(n + m, 800) && D < 0; t++) {
    const v = { ...V[t] };
    for (let k = -t; k <= t && D < 0; k += 2) {
      let x = down(v, k, t) ? v[k + 1] : v[k - 1] + 1;
      while (x < n && x - k < m && a[x].trim() == b[x - k].trim()) x++;
      v[k] = x;
      if (x >= n && x - k >= m) D = t;
    }
    V.push(v);
  }
  if (D < 0) return [["del", before], ["ins", after]];
  const out = [];
  let x = n, y = m;
  for (let t = D; t > 0; t--) {
    const v = V[t], k = x - y, add = down(v, k, t), q = add ? k + 1 : k - 1, X = v[q], Y = X - q;
    while (x > X && y > Y) { out.push(["span", b[--y]]); x--; }
    out.push(add ? ["ins", b[--y]] : ["del", a[--x]]);
    x = X; y = Y;
  }
  while (y > 0) out.push(["span", b[--y]]);
  return out.reverse();
}
function versions(j) {
  const T = JSON.parse(j.textContent), head = el("p", "js-only"), out = el("div", "text");
  const pick = list => {
    const s = el("select");
    s.setAttribute("aria-label", "which");
    list.forEach((x, k) => { const o = el("option", "", x); o.value = k; s.append(o); });
    s.addEventListener("change", show);
    return s;
  };
  const names = T.versions.map(v => v[0]), A = pick(names), B = pick(names), P = pick(T.params);
  function show() {
    out.replaceChildren();
    const [a, b] = [A, B].map(s => T.texts[T.versions[s.value][1][P.value]] || "");
    for (const [tag, w] of changed(a, b)) out.append(el(tag, "", w));
  }
  head.append(A, " ", B);
  if (T.params.length > 1) head.append(" ", P);
  B.value = T.best;
  j.before(el("h3", "js-only", "Any two versions"), head, out);
  show();
}

// ---- a served page: what changed is taken over, what is open stays open
async function renew() {
  const open = $$("details[open][id]").map(e => e.id), top = scrollY;
  const typing = d.activeElement && /^(INPUT|SELECT)$/.test(d.activeElement.tagName);
  if (typing) return;
  const page = new DOMParser().parseFromString(await (await fetch(location.pathname
    + location.search)).text(), "text/html");
  $("main").replaceWith(d.adoptNode($("main", page)));
  init();
  open.forEach(id => { const e = d.getElementById(id); if (e) e.open = true; });
  scrollTo(0, top);
}
function init() {
  $$("table[data-sortable]").forEach(sortable);
  $$("select[data-flips]").forEach(flips);
  $$("#call-data").forEach(calls);
  $$("script[data-texts]").forEach(versions);
}
init();
const live = $("main").dataset.live;
if (live) new EventSource(live).addEventListener("changed", renew);
go(state().get("at"), true);
addEventListener("hashchange", () => go(state().get("at"), true));
})();
]==]
