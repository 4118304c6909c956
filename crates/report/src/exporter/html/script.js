(()=>{
const d=document,all=(s,e=d)=>[...e.querySelectorAll(s)];
const key=(row,i)=>{const c=row.cells[i],n=c.querySelector('data');return n?+n.value:c.textContent.trim()};
all('table.sortable').forEach(t=>{
  const heads=[...t.tHead.rows[t.tHead.rows.length-1].cells],body=t.querySelector('.choices');
  heads.forEach((h,i)=>{
    const b=d.createElement('button');b.type='button';b.append(...h.childNodes);h.append(b);
    b.addEventListener('click',()=>{
      const up=h.getAttribute('aria-sort')!=='ascending';
      heads.forEach(o=>o.removeAttribute('aria-sort'));
      h.setAttribute('aria-sort',up?'ascending':'descending');
      const rows=[...body.rows].map(r=>[key(r,i),r]);
      rows.sort((x,y)=>{
        const [a,b]=[x[0],y[0]],num=v=>typeof v==='number';
        if(num(a)!==num(b))return num(a)?-1:1;
        const o=num(a)?a-b:a<b?-1:a>b?1:0;
        return up?o:-o;
      });
      rows.forEach(r=>body.append(r[1]));
    });
  });
});
const pairs=JSON.parse(d.getElementById('pairs').textContent),pick=d.getElementById('baseline');
if(!pick)return;
const f=v=>v.toFixed(3),el=(n,c,...k)=>{const e=d.createElement(n);if(c)e.className=c;e.append(...k);return e};
const dat=v=>{const e=el('data','',f(v));e.value=v;return e};
const kind={'◀':'faster','▶':'slower','≡':'equivalent','?':'inconclusive'};
const cell=(c,p)=>{
  if(!p){c.replaceChildren('–');return}
  const k=[el('span','v '+(kind[p[5]]||'unranked'),el('b','',p[5]),' '+p[6])];
  if(p[0]!=null){const s=el('small','',dat(p[0]));if(p[1]!=null)s.append(' [',dat(p[1]),', ',dat(p[2]),']');k.push(s)}
  c.replaceChildren(...k);
};
const forest=(g,p,at)=>{
  const v=p&&p[0]!=null?p[0]:1,lo=p&&p[1]!=null?p[1]:v,hi=p&&p[2]!=null?p[2]:v,a=p&&p[3]!=null?p[3]:v,b=p&&p[4]!=null?p[4]:v;
  const put=(e,n,x)=>e.setAttribute(n,at(x)),line=(e,x,y)=>{put(e,'x1',x);put(e,'x2',y)};
  line(g.querySelector('.tost'),a,b);line(g.querySelector('.ci'),lo,hi);
  const caps=all('.cap',g);line(caps[0],lo,lo);line(caps[1],hi,hi);
  put(g.querySelector('.point'),'cx',v);
  const t=g.querySelector('.value');
  t.textContent=p?p[5]+' '+p[6]+(p[0]!=null?` ${f(v)} [${f(lo)}, ${f(hi)}]`:''):'baseline';
  if(p&&p[0]!=null)t.dataset.value=v;else delete t.dataset.value;
};
const rebase=()=>{
  const base=pick.value,own=base===pick.dataset.registered;
  d.getElementById('exploratory').hidden=own;
  all('[data-baseline]').forEach(e=>e.textContent=base);
  const of=(s,m)=>(((pairs[s]||{})[base]||{}).pairs||{})[m]||{};
  all('td[data-pair]').forEach(c=>cell(c,of(c.dataset.scenario,c.dataset.pair)[c.parentNode.dataset.row]));
  all('.forest').forEach(e=>{
    const {scenario,metric,margin,edge}=e.dataset,w=Math.log(1+ +margin);
    const at=x=>(Math.min(1,Math.max(0,.5+Math.asinh(Math.log(x)/w)/(2*edge)))*100).toFixed(2)+'%';
    all('g[data-row]',e).forEach(g=>forest(g,of(scenario,metric)[g.dataset.row],at));
    const fig=e.closest('figure'),says=(((pairs[scenario]||{})[base]||{}).says||{})[metric];
    if(says){fig.querySelector('.says').textContent=says;fig.querySelector('desc').textContent=says}
    fig.querySelector('details').hidden=!own;
  });
};
d.querySelector('.rebase').hidden=false;
pick.addEventListener('change',rebase);
if(pick.value!==pick.dataset.registered)rebase();
})();
