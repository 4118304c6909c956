// Looks into the frames beside it and writes what it finds, as JSON, into #found.
addEventListener('load', () => {
  const found = {};
  const all = (doc, selector) => [...doc.querySelectorAll(selector)];
  for (const frame of all(document, 'iframe')) {
    const doc = frame.contentDocument, root = doc.documentElement;
    const wide = all(doc, 'body *').filter(e => !e.closest('.scroll') && !e.closest('svg') &&
      e.getBoundingClientRect().right > root.clientWidth + 1).map(e => e.outerHTML.slice(0, 80));
    const named = e => (e.getAttribute('aria-labelledby') || '').split(' ').some(id => id && doc.getElementById(id));
    const levels = all(doc, 'h1,h2,h3,h4').map(e => +e.tagName[1]);
    found[frame.id] = {
      inner: root.clientWidth,
      content: root.scrollWidth,
      wide: wide.slice(0, 3),
      unnamed: [
        ...all(doc, 'svg').filter(e => !e.parentNode.closest('svg') &&
          !(e.getAttribute('aria-hidden') || (e.getAttribute('role') === 'img' && named(e)))),
        ...all(doc, 'th').filter(e => !e.scope),
        ...all(doc, 'select,input').filter(e => !e.closest('label')),
      ].map(e => e.outerHTML.slice(0, 80)),
      headings: levels.filter((level, i) => i && level > levels[i - 1] + 1),
      figures: all(doc, 'figure').filter(e => e.querySelector('svg') && e.querySelector('.says').textContent &&
        e.querySelector('details table')).length,
      controls: all(doc, '.rebase,.sliders').filter(e => !e.hidden).length,
    };
  }
  const doc = document.getElementById('w1280-true').contentDocument, view = doc.defaultView;
  const heads = all(doc, '.sortable thead tr:last-child th'), column = 10;
  const values = () => all(doc, '.choices tr').map(r => +r.cells[column].querySelector('data').value);
  heads[column].querySelector('button').click();
  found.sorted = values();
  heads[column].querySelector('button').click();
  found.reversed = values();
  found.announced = heads[column].getAttribute('aria-sort');

  // Sliders: every amount of money in the page after each step, and after going back.
  const amounts = () => Object.fromEntries(all(doc, '[data-money=all],[data-money=over]').filter(e => e.querySelector('data')).map(e =>
    [`${e.parentNode.dataset.row} ${e.closest('.bill') ? 'bill' : 'decision'} ${e.dataset.money}`,
      [+e.querySelector('data').value, e.textContent.trim()]]));
  const move = (slider, step) => { slider.value = step; slider.dispatchEvent(new view.Event('input')); };
  const stated = () => doc.querySelector('.lead .load').textContent, whole = () => all(doc, '.bill,.decision,.lead').map(e => e.innerHTML).join();
  const slider = name => doc.querySelector(`.sliders [data-load=${name}]`), first = whole();
  found.money = {};
  move(slider('rate'), 11);
  found.money.rate = amounts();
  move(slider('logins'), 10);
  found.money.logins = amounts();
  move(doc.querySelector('.sliders [data-price="0"]'), 4);
  found.money.price = amounts();
  found.money.stated = stated();
  found.money.warned = !doc.querySelector('.moved').hidden;
  doc.querySelector('.sliders button').click();
  found.money.back = whole() === first && doc.querySelector('.moved').hidden;

  const pick = doc.getElementById('baseline'), places = () => all(doc, '.forest g[data-row] [x1],.forest g[data-row] [cx]').map(e =>
    parseFloat(e.getAttribute('x1') ?? e.getAttribute('cx')).toFixed(2) + '/' + parseFloat(e.getAttribute('x2') ?? 0).toFixed(2) +
    e.parentNode.textContent + doc.querySelector('.ratio .says').textContent).join();
  const before = places();
  const choose = name => { pick.value = name; pick.dispatchEvent(new view.Event('change')); };
  choose('jwt-stateless');
  const text = e => e.textContent.trim();
  found.rebased = Object.fromEntries(all(doc, 'td[data-pair]').map(e => [`${e.parentNode.dataset.row} ${e.dataset.pair}`, text(e)]));
  found.marks = Object.fromEntries(all(doc, '.forest g[data-row]').map(e =>
    [`${e.dataset.row} ${e.closest('.forest').dataset.metric}`, text(e.querySelector('.value'))]));
  found.exploratory = !doc.getElementById('exploratory').hidden;
  found.moved = places() !== before;
  choose(pick.dataset.registered);
  found.back = places() === before && doc.getElementById('exploratory').hidden;
  document.getElementById('found').textContent = JSON.stringify(found);
});
