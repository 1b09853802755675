--- The one script of a report: opens what an address points at, sorts and filters tables, finds the
--- cell of the matrix under a click, writes the calls out. It stands in the page and asks nobody for
--- anything; without it the page still reads. What it puts in is text, never markup.
return [==[
"use strict";(()=>{
const d=document,$=(s,e=d)=>e.querySelector(s),$$=(s,e=d)=>[...e.querySelectorAll(s)];
d.documentElement.classList.add("js");
const el=(t,c,x)=>{const e=d.createElement(t);if(c)e.className=c;if(x!=null)e.textContent=x;
 return e};
const state=()=>new URLSearchParams(location.hash.replace(/^#/,
 "").includes("=")?location.hash.slice(1):"at="+location.hash.slice(1));
function go(id,keep){const e=id&&d.getElementById(id);if(!e)return;
 for(let p=e;p;p=p.parentElement)if(p.tagName=="DETAILS")p.open=true;
 e.scrollIntoView({block:"start"});if(!keep)save("at",id)}
function save(k,v){const s=state();if(v)s.set(k,v);else s.delete(k);
 history.replaceState(null,"","#"+s.toString())}
d.addEventListener("click",ev=>{const a=ev.target.closest("a");
 if(a){const h=a.getAttribute("href")||"";if(h[0]=="#"){ev.preventDefault();
  const q=$("#call-filter");if(a.dataset.q&&q){q.value=a.dataset.q;
   q.dispatchEvent(new Event("input"))}go(h.slice(1))}return}
 const m=ev.target.closest("svg.matrix");if(m)cell(m,ev)});
function cell(m,ev){const r=m.getBoundingClientRect(),b=m.viewBox.baseVal,k=b.width/r.width,
 D=m.dataset;
 const c=Math.floor(((ev.clientX-r.left)*k-D.x)/D.cell),e=D.examples.split(",")[c];
 if(c>=0&&e)go(D.prefix+"e"+e)}
$$("table[data-sortable]").forEach(t=>$$("th",t).forEach((h,i)=>{h.dataset.sort="";h.tabIndex=0;
 const f=()=>{const b=t.tBodies[0],v=r=>{const c=r.cells[i],
  x=c.dataset.v!=null?c.dataset.v:c.textContent.trim(),
  n=parseFloat(x);return isNaN(n)?x:n};
  const s=h.dataset.sort=="a"?-1:1;$$("th",t).forEach(o=>o.dataset.sort="");
   h.dataset.sort=s>0?"a":"d";
  [...b.rows].map((r,j)=>[v(r),j,r]).sort((x,
   y)=>(x[0]<y[0]?-1:x[0]>y[0]?1:0)*s||x[1]-y[1]).forEach(x=>b.append(x[2]))};
 h.addEventListener("click",f);h.addEventListener("keydown",e=>{if(e.key=="Enter")f()})}));
$$("input[data-filter]").forEach(q=>{const f=()=>{const w=q.value.toLowerCase();
 $$(q.dataset.filter).forEach(r=>r.hidden=w&&!r.textContent.toLowerCase().includes(w))};
 q.addEventListener("input",()=>{f();save(q.id,q.value)});const v=state().get(q.id);if(v){q.value=v;
  f()}});
const box=$("#call-data");if(box){const C=JSON.parse(box.textContent),T=C.texts,
 list=$("#call-list"),N=100;
 let at=0,rows=C.calls;const q=$("#call-filter");
 const text=(r,f)=>[r[0],C.roles[r[1]],C.models[r[2]],r[7],
  r[8]].join(" ").toLowerCase().includes(f);
 function more(){const f=rows.slice(at,at+N);at+=f.length;f.forEach(r=>list.insertBefore(one(r),
  btn));
  btn.hidden=at>=rows.length;btn.textContent="more ("+(rows.length-at)+")"}
 function one(r){const x=el("details");x.id="call"+r[0];const s=el("summary");
  s.append(el("b","","#"+r[0]),el("span","tag",C.roles[r[1]]),el("span","soft small",
   C.models[r[2]]),
   el("span","small",r[3]+" in, "+r[4]+" out"),el("span","small",
    r[5]==null?"":"$"+(r[5]/1e6).toFixed(6)),
   el("span","small",r[6]==null?"":(r[6]/1e6).toFixed(2)+" s"),el("span","small",r[7]||""),
    el("span","small",r[8]||""));
  x.append(s);x.addEventListener("toggle",()=>{if(x.open&&x.childElementCount<2)fill(x,r)});
   return x}
 function fill(x,r){if(!r[9]){x.append(el("p","soft small",
  "Its text is not in this page: lunagrad show "+C.run+" --call "+r[0]));return}
  for(const[w,t]of r[9]){x.append(el("div","soft small",w),el("pre","",T[t]))}
  if(r[10]){const e=C.ends[r[10]-1],b=el("pre","",
   'curl '+e[0]+' -H "Content-Type: application/json" -H "Authorization: Bearer $'+e[1]+'" -d \''+
   JSON.stringify({model:C.models[r[2]].replace(/^[^\/]*\//,""),
    messages:r[9].filter(m=>m[0]!="reply"&&m[0]!="thought before").map(m=>({role:m[0],
     content:T[m[1]]}))}).replace(/'/g,"'\\''")+"'");
   x.append(el("div","soft small","the same as curl"),b)}}
 const btn=el("button","","more");btn.addEventListener("click",more);list.append(btn);more();
 if(q){const f=()=>{const w=q.value.toLowerCase();rows=w?C.calls.filter(r=>text(r,w)):C.calls;at=0;
  $$("details",list).forEach(e=>e.remove());more()};q.addEventListener("input",()=>{f();
   save("call-filter",q.value)});
  const v=state().get("call-filter");if(v){q.value=v;f()}}
 const w=(state().get("at")||"").match(/^call(\d+)$/);if(w){const i=rows.findIndex(r=>r[0]==w[1]);
  while(at<=i)more()}}
function words(a,b){a=a.match(/\w+\s*|[^\w]\s*/g)||[];b=b.match(/\w+\s*|[^\w]\s*/g)||[];
 const n=a.length,m=b.length,V=[{1:0}];let D=-1;
 for(let t=0;t<=Math.min(n+m,800)&&D<0;t++){const v=Object.assign({},V[t]);
  for(let k=-t;k<=t;k+=2){let x=k==-t||k!=t&&(v[k-1]??-1)<(v[k+1]??-1)?v[k+1]:v[k-1]+1;
   while(x<n&&x-k<m&&a[x].trim()==b[x-k].trim())x++;v[k]=x;if(x>=n&&x-k>=m){D=t;break}}V.push(v)}
 if(D<0)return[["del",a.join("")],["ins",b.join("")]];
 const o=[];let x=n,y=m;for(let t=D;t>0;t--){const v=V[t],k=x-y,
  q=k==-t||k!=t&&(v[k-1]??-1)<(v[k+1]??-1)?k+1:k-1,
  X=v[q],Y=X-q;while(x>X&&y>Y){o.push(["span",b[--y]]);x--}
  if(q==k+1)o.push(["ins",b[--y]]);else o.push(["del",a[--x]]);x=X;y=Y}
 while(y>0)o.push(["span",b[--y]]);return o.reverse()}
$$("script[data-texts]").forEach(j=>{const T=JSON.parse(j.textContent),h=el("p","js-only"),
 out=el("div","text"),S=[];
 for(let i=0;i<3;i++){const s=el("select"),L=i<2?T.versions.map(v=>v[0]):T.params;
  L.forEach((x,k)=>{const o=el("option","",x);o.value=k;s.append(o)});S.push(s);
   if(i<2||L.length>1)h.append(s," ")}
 const show=()=>{out.replaceChildren();const[a,b]=[0,
  1].map(i=>T.texts[T.versions[S[i].value][1][S[2].value]]||"");
  for(const[t,w]of words(a,b))out.append(el(t,"",w))};
 S[1].value=T.best;S.forEach(s=>s.addEventListener("change",show));j.before(el("h3","js-only",
  "Any two versions"),h,out);
 show()});
go(state().get("at"),true);addEventListener("hashchange",()=>go(state().get("at"),true));
})();
]==]
