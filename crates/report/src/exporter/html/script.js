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
const {rows,words,all,cost}=JSON.parse(one('#pairs').textContent),pick=one('#baseline');
const put=(v,text)=>{const e=d.createElement('data');e.value=v;e.textContent=text;return e};
const digits=(v,n)=>v.toLocaleString('en-US',{minimumFractionDigits:n,maximumFractionDigits:n}).replace('-','−');
// Money at another load or other prices: the formula of the report over what each row uses.
if(cost){
  const box=one('.sliders'),bars=each('input',box),cells=each('[data-money],.load'),back=one('button',box);
  const kept=[...cells,...each('output',box)].map(e=>[e,[...e.childNodes]]),start=bars.map(b=>b.value);
  const money=v=>v?digits(v,Math.min(12,Math.max(0,2-Math.floor(Math.log10(Math.abs(v)))))):'0';
  const bill=(row,rate,logins,prices)=>{
    const [n,[app,own,egress,bytes,commands,base,each,kept],hasStore]=cost.rows[row];
    const h=1e6/(3600*rate),cpu=1e6/3600/cost.utilisation,store=hasStore?h:0;
    const data=kept*logins/2**30,nodes=cost.store_node_gib?Math.ceil(data/cost.store_node_gib):0;
    return [cpu*app,h*(base*n+each*logins)/2**30,egress/1e3,bytes/1e3,Math.max(commands,bytes/1e3),
      store*Math.max(data,cost.store_minimum_gib),cpu*own,store*Math.max(nodes,cost.store_nodes)].map((q,i)=>q*(prices[i]??0));
  };
  const sum=items=>items.reduce((a,b)=>a+b,0);
  const draw=()=>{
    const load={rate:cost.rate,logins:cost.logins},prices=[...cost.prices];
    bars.forEach((b,i)=>{
      const {load:name,from,price}=b.dataset,n=+b.value,out=b.nextElementSibling;
      if(b.value===start[i]){out.replaceChildren(...kept.find(([e])=>e===out)[1]);return}
      const v=name?[1,2,5][n%3]*10**(+from+Math.floor(n/3)):cost.prices[price]*cost.factors[n];
      if(name)load[name]=v;else prices[price]=v;
      out.replaceChildren(put(v,name?digits(v,0):money(v)));
    });
    cells.forEach(c=>{
      if(c.className==='load'){
        c.replaceChildren('at ',put(load.rate,digits(load.rate,0)),' requests a second',...(cost.logins?[' and ',put(load.logins,digits(load.logins,0)),' live logins']:[]));
        return;
      }
      const row=c.parentNode.dataset.row,kind=c.dataset.money;
      if(!cost.rows[row]||kind==='over'&&(row===cost.floor||!cost.rows[cost.floor]))return;
      const of=r=>bill(r,load.rate,load.logins,prices),own=of(row);
      const v=kind==='all'?sum(own):kind==='over'?sum(own)-sum(of(cost.floor)):own[kind];
      c.replaceChildren(put(v,money(v)));
    });
    moved(true);
  };
  const moved=on=>{one('.moved',box).hidden=!on;back.disabled=!on};
  back.onclick=()=>{
    bars.forEach((b,i)=>b.value=start[i]);
    kept.forEach(([e,nodes])=>e.replaceChildren(...nodes));
    moved(false);
  };
  bars.forEach(b=>b.oninput=()=>bars.some((b,i)=>b.value!==start[i])?draw():back.onclick());
  box.hidden=false;
  if(bars.some((b,i)=>b.value!==start[i]))draw();
}
// Another baseline: every pair is embedded, nothing is computed but places on the axis.
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
