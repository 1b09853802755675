--- The style sheet of a report: light and dark, narrow screens, paper. One text, no font, nothing
--- that is fetched. Colours are of Okabe and Ito's kind, which the colour-blind tell apart.
return [[
:root{color-scheme:light dark;--paper:#fff;--card:#f6f7f9;--ink:#1c2126;--soft:#5b6570;
--line:#d9dde2;
--good:#00795a;--bad:#c2410c;--main:#0072b2;--gold:#a16207;--addbg:#d6f3e7;--delbg:#fde3d5;
--warn:#fff4d6}
@media (prefers-color-scheme:dark){:root{--paper:#14171c;--card:#1c2027;--ink:#e6e9ed;
--soft:#a3adb8;
--line:#2f353d;--good:#2fc99a;--bad:#ff8f52;--main:#56b4e9;--gold:#f0c74b;--addbg:#0f3b2e;
--delbg:#4a2413;
--warn:#3a3115}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}
main{max-width:1040px;margin:0 auto;padding:20px 16px 60px}
h1{font-size:22px;margin:0 0 2px;overflow-wrap:anywhere}h2{font-size:18px;margin:36px 0 8px}
h3{font-size:15px;margin:22px 0 6px}
p{margin:6px 0}.soft{color:var(--soft)}.small{font-size:13px}.warn{background:var(--warn);
padding:8px 12px;
border-radius:6px}
nav{position:sticky;top:0;background:var(--paper);border-bottom:1px solid var(--line);padding:8px 0;
margin-bottom:14px;font-size:14px;z-index:2;overflow-x:auto;white-space:nowrap}
nav a{margin-right:16px;color:var(--soft);text-decoration:none}nav a:hover{color:var(--main)}
a{color:var(--main)}
.hero{display:flex;flex-wrap:wrap;gap:8px 28px;align-items:baseline;margin:14px 0 6px}
.score{font-size:38px;font-weight:650;letter-spacing:-.02em;font-variant-numeric:tabular-nums;
white-space:nowrap}
.score small{font-size:15px;font-weight:400;color:var(--soft);letter-spacing:0}
.claim{padding:3px 10px;border-radius:999px;font-size:14px;border:1px solid var(--line)}
.claim.shown{border-color:var(--good);color:var(--good)}.claim.not{border-color:var(--bad);
color:var(--bad)}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(130px,1fr));gap:8px;margin:14px 0}
.tiles div{background:var(--card);border-radius:8px;padding:8px 12px}
.tiles b{display:block;font-size:17px;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.tiles span{font-size:12px;color:var(--soft)}
code,pre{font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre,.text,.quote,summary span,td{unicode-bidi:plaintext}
pre{background:var(--card);padding:10px 12px;border-radius:8px;white-space:pre-wrap;
overflow-wrap:anywhere;margin:6px 0}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:left;padding:4px 10px 4px 0;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:500;font-size:13px;white-space:nowrap}
th[data-sort]{cursor:pointer}th[data-sort]:after{content:" ↕";opacity:.4}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.scroll{overflow-x:auto}
[id]{scroll-margin-top:48px}details{border-bottom:1px solid var(--line)}
details[open]{padding-bottom:12px}
summary{cursor:pointer;padding:6px 0 6px 20px;position:relative;display:flex;
flex-wrap:wrap;gap:2px 12px;align-items:baseline}
summary::-webkit-details-marker{display:none}summary:before{content:"▸";color:var(--soft);
position:absolute;left:2px}
details[open]>summary:before{content:"▾"}
:target>summary,tr:target td{background:var(--warn)}
.tag{font-size:12px;border:1px solid var(--line);border-radius:4px;padding:0 6px;color:var(--soft)}
.up{color:var(--good)}.down{color:var(--bad)}
.why{display:grid;grid-template-columns:minmax(0,3fr) minmax(0,2fr);gap:0 18px}
.why>*{padding:5px 0;border-bottom:1px dashed var(--line)}
.text{white-space:pre-wrap;overflow-wrap:anywhere}
ins{background:var(--addbg);text-decoration:none;border-radius:2px}
del{background:var(--delbg);border-radius:2px}
.quote{border-left:3px solid var(--line);padding-left:10px;color:var(--soft);font-size:14px;
overflow-wrap:anywhere;white-space:pre-line}
.chips a,.chips span{display:inline-block;font-size:12px;border:1px solid var(--line);
border-radius:4px;
padding:0 5px;margin:0 4px 4px 0;text-decoration:none}
svg{max-width:100%;height:auto;display:block}svg text{fill:var(--ink)}
svg .small{font-size:12px;fill:var(--soft)}svg .tiny{font-size:9px;fill:var(--soft)}
.paper{fill:none}.title{font-weight:600}.mark{stroke:var(--soft);stroke-dasharray:2 4}
.c1{color:var(--main)}.c2{color:var(--bad)}.c3{color:var(--good)}.c4{color:#b04a8c}.c5{color:var(--gold)}
.c6{color:#7aa6c2}.c7{color:var(--soft)}.c8{color:var(--ink)}
.grid{stroke:var(--line)}.frame{stroke:var(--soft);fill:none}
.band{fill:var(--main);opacity:.16}.stairs{stroke:var(--main);stroke-width:2.4;fill:none}
.reach{stroke:var(--soft);stroke-width:1;opacity:.55}
.kept circle{fill:var(--main)}.lost circle{fill:var(--paper);stroke:var(--bad);stroke-width:1.8}
.strip a:hover circle,.strip a:focus circle{stroke:var(--ink);stroke-width:2.5}
.many{fill:none;stroke-width:6;stroke-linecap:round}.many.kept{stroke:var(--main)}
.many.lost{stroke:var(--bad);opacity:.5}.seed *{fill:var(--soft)}
.m-right{fill:var(--main);opacity:.75}.m-wrong{fill:var(--soft);opacity:.6}
.m-fixed{fill:var(--good)}.m-broke{stroke:var(--bad);stroke-width:2;fill:none}
.matrix{cursor:pointer}.edge{fill:none;stroke:var(--soft)}.merged{stroke-dasharray:3 4}
.graph{max-width:none}.graph rect{fill:var(--card);stroke:var(--line);stroke-width:1.2}
.graph .name{font-size:12px;font-weight:600}.graph .value{font-size:10px;fill:var(--soft)}
.graph .call rect{stroke:var(--main)}.graph .param rect{stroke:var(--gold);stroke-width:2}
.graph .failed rect{stroke:var(--bad);stroke-dasharray:4 3}
.graph a:hover rect,.graph a:focus rect{stroke:var(--ink)}
.heard{stroke:var(--bad);stroke-width:2.4}.said circle{fill:var(--bad)}.graph .said text{fill:var(--bad);
paint-order:stroke;stroke:var(--paper);stroke-width:3px}
ol{padding-left:28px}ol li{margin:8px 0}
.node circle{fill:var(--main)}.node.best circle{fill:var(--gold)}
.key span{margin-right:16px;white-space:nowrap}
.key i{display:inline-block;width:9px;height:9px;margin-right:5px}
.k-right{background:var(--main);opacity:.75}.k-fixed{background:var(--good)}
.k-broke{color:var(--bad)}.k-wrong{color:var(--soft)}
select{font:inherit;max-width:100%}input[type=search]{font:inherit;padding:4px 8px;
border:1px solid var(--line);border-radius:6px;
background:var(--paper);color:var(--ink);width:100%;max-width:340px;margin:4px 0}
.js-only{display:none}.js .js-only{display:block}
@media (max-width:640px){.strip text,.strip .small{font-size:20px}.why{grid-template-columns:1fr}.score{font-size:30px}
main{padding:12px 10px 40px}
.matrix,.tree{max-width:none}td{overflow-wrap:anywhere}}
@media print{nav,.js-only,.js .js-only{display:none}details{break-inside:avoid}main{max-width:none}}
]]
