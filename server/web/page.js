"use strict";
(function () {
  var box = document.querySelector("input[type=search]"), list = document.getElementById("list");
  if (!box || !list) return;
  var at = -1, timer = 0, asked = 0;
  function composing(e) { return e.isComposing || e.keyCode === 229; }
  function close() { list.hidden = true; at = -1; box.setAttribute("aria-expanded", "false"); box.removeAttribute("aria-activedescendant"); }
  function select(n) {
    var all = list.children;
    if (!all.length) return;
    at = (n + all.length) % all.length;
    for (var i = 0; i < all.length; i++) all[i].setAttribute("aria-selected", i === at ? "true" : "false");
    box.setAttribute("aria-activedescendant", all[at].id);
  }
  function take(text) { box.value = text; close(); box.form.submit(); }
  function show(words) {
    list.textContent = "";
    words.forEach(function (w, i) {
      var li = document.createElement("li");
      li.id = "s" + i; li.setAttribute("role", "option"); li.setAttribute("aria-selected", "false"); li.textContent = w;
      li.addEventListener("mousedown", function (e) { e.preventDefault(); take(w); });
      list.appendChild(li);
    });
    at = -1; list.hidden = !words.length; box.setAttribute("aria-expanded", words.length ? "true" : "false");
  }
  function ask() {
    var mine = ++asked, text = box.value.trim();
    if (!text || text.length > 200) { close(); return; }
    fetch("/v1/suggest?limit=6&query=" + encodeURIComponent(text)).then(function (r) { return r.ok ? r.json() : { suggestions: [] }; })
      .then(function (r) { if (mine === asked && document.activeElement === box) show(r.suggestions || []); }, close);
  }
  box.addEventListener("input", function (e) { if (e.isComposing) return; clearTimeout(timer); timer = setTimeout(ask, 120); });
  box.addEventListener("compositionend", function () { clearTimeout(timer); timer = setTimeout(ask, 120); });
  box.addEventListener("blur", function () { asked++; close(); });
  box.addEventListener("keydown", function (e) {
    if (composing(e)) return;
    if (e.key === "ArrowDown" && !list.hidden) { e.preventDefault(); select(at + 1); }
    else if (e.key === "ArrowUp" && !list.hidden) { e.preventDefault(); select(at < 0 ? -1 : at - 1); }
    else if (e.key === "Escape" && !list.hidden) { e.preventDefault(); close(); }
    else if (e.key === "Enter" && at >= 0) { e.preventDefault(); take(list.children[at].textContent); }
  });
  document.addEventListener("keydown", function (e) {
    if (composing(e)) return;
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "k") { e.preventDefault(); box.focus(); box.select(); return; }
    if (e.target !== document.body && !e.target.closest(".hit")) return;
    if (e.ctrlKey || e.metaKey || e.altKey || (e.key !== "j" && e.key !== "k")) return;
    var links = Array.prototype.slice.call(document.querySelectorAll(".hit h3 a")), now = links.indexOf(document.activeElement);
    var next = links[e.key === "j" ? now + 1 : Math.max(0, now - 1)];
    if (next) { e.preventDefault(); next.focus(); }
  });
  document.querySelectorAll("select").forEach(function (s) { s.addEventListener("change", function () { s.form.submit(); }); });
})();
