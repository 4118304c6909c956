(()=>{
const d=document,each=(s,e=d)=>[...e.querySelectorAll(s)],one=(s,e=d)=>e.querySelector(s);
// Sorting: by the value of a cell, or its words.
each('table.sortable').forEach(t=>{
  const heads=[...t.tHead.rows[t.tHead.rows.length-1].cells],body=one('.choices',t);
  const key=(r,i)=>{const n=one('data',r.cells[i]);return n?+n.value:r.cells[i].textContent.trim()};
  heads.forEach((h,i)=>{
    const b=d.createElement('button');b.type='button';b.append(...h.childNodes);h.append(b);
    b.onclick=()=>{
      const up=h.ariaSort!=='ascending',num=v=>typeof v==='number';
      heads.forEach(o=>o.removeAttribute('aria-sort'));
      h.setAttribute('aria-sort',up?'ascending':'descending');
      [...body.rows].map(r=>[key(r,i),r]).sort(([a],[b])=>{
        if(num(a)!==num(b))return num(a)?-1:1;
        return(up?1:-1)*(num(a)?a-b:a<b?-1:a>b?1:0);
      }).forEach(r=>body.append(r[1]));
    };
  });
});
// Another baseline: every pair is embedded, nothing is computed but places on the axis.
const {rows,words,all}=JSON.parse(one('#pairs').textContent),pick=one('#baseline');
if(!pick)return;
const open=p=>p&&[...p[0].map(n=>n==null?n:n/1e4),p[1]],f=v=>v.toFixed(3),el=(n,c,...k)=>{const e=d.createElement(n);e.className=c;e.append(...k);return e};
const dat=v=>{const e=el('data','',f(v));e.value=v;return e};
const cell=(c,p)=>{
  if(!p)return c.replaceChildren('–');
  const [glyph,word,kind]=words[p[5]],s=el('small','');
  if(p[0]!=null)s.append(dat(p[0]));
  if(p[1]!=null)s.append(' [',dat(p[1]),', ',dat(p[2]),']');
  c.replaceChildren(el('span','v '+kind,el('b','',glyph),' '+word),s);
};
const mark=(g,p,at)=>{
  const [v,lo,hi,a,b]=p||[],m=v??1,t=one('.value',g);
  const line=(e,x,y)=>{e.setAttribute('x1',at(x??m));e.setAttribute('x2',at(y??m))};
  line(one('.tost',g),a,b);line(one('.ci',g),lo,hi);
  one('.point',g).setAttribute('cx',at(m));
  t.textContent=p?words[p[5]].slice(0,2).join(' ')+(v!=null?` ${f(v)} [${f(lo??v)}, ${f(hi??v)}]`:''):'baseline';
  if(v!=null)t.dataset.value=v;else delete t.dataset.value;
};
pick.onchange=()=>{
  const base=pick.value,own=base===pick.dataset.registered,of=(s,k,m)=>all[s]?.[base]?.[k]?.[m];
  one('#exploratory').hidden=own;
  each('[data-baseline]').forEach(e=>e.textContent=base);
  each('td[data-pair]').forEach(c=>cell(c,open(of(c.dataset.scenario,'pairs',c.dataset.pair)?.[rows.indexOf(c.parentNode.dataset.row)])));
  each('.forest').forEach(e=>{
    const {scenario,metric,margin,edge}=e.dataset,w=Math.log(1+ +margin),fig=e.closest('figure');
    const at=x=>Math.min(100,Math.max(0,50+50*Math.asinh(Math.log(x)/w)/edge)).toFixed(2)+'%';
    each('g[data-row]',e).forEach(g=>mark(g,open(of(scenario,'pairs',metric)?.[rows.indexOf(g.dataset.row)]),at));
    one('.says',fig).textContent=one('desc',fig).textContent=of(scenario,'says',metric)??'';
    one('details',fig).hidden=!own;
  });
};
one('.rebase').hidden=false;
if(pick.value!==pick.dataset.registered)pick.onchange();
})();
