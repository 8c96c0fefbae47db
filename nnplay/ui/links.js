// Links that open a state of the app in place: the address changes and Streamlit is told as it is by the
// browser's own Back button, so that every bound control takes its value from the address. No reload, one
// entry in the history, and still a link: it can be copied, or opened in a new tab.

function openInPlace(href) {
  const url = new URL(href, location.href);
  const here = new URLSearchParams(location.search);
  for (const kept of ['present', 'hide']) if (here.has(kept)) url.searchParams.set(kept, here.get(kept));
  if (url.href === location.href) return;
  history.pushState({}, '', url);
  dispatchEvent(new PopStateEvent('popstate'));
}

const typing = element => element.closest('input:not([type=range]), textarea, select, [contenteditable], [role=combobox]');

// Those of an address's parameters that count, in one canonical text.
function settings(search, parameters) {
  const held = [...new URLSearchParams(search)].filter(([key]) => parameters.includes(key));
  return held.map(([key, value]) => key + '=' + (value !== '' && isFinite(value) ? Number(value) : value)).sort().join('&');
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector('.nnplay-links');
  const row = root.querySelector('.row'), look = root.querySelector('.look');
  const { items, label, parameters } = data;
  root.setAttribute('aria-label', label);
  row.replaceChildren(...items.map(({ title, href }) => {
    const link = document.createElement('a');
    link.href = href;
    link.textContent = title;
    link.onclick = event => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      openInPlace(href);
    };
    return link;
  }));

  let present = -1, shown = null;
  const mark = () => {
    if (location.search === shown) return;
    shown = location.search;
    const here = settings(shown, parameters);
    present = items.findIndex(({ href }) => settings(href, parameters) === here);
    if (present >= 0) root.last = present;  // who changes a setting goes on from there
    [...row.children].forEach((link, i) => i === present ? link.setAttribute('aria-current', 'true') : link.removeAttribute('aria-current'));
    look.textContent = items[present]?.look ?? '';
    const link = row.children[present];
    if (link) row.scrollLeft = link.offsetLeft - row.offsetLeft - 40;
  };
  mark();

  root.leave?.();
  const onKey = event => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const next = { PageDown: (root.last ?? -1) + 1, PageUp: (root.last ?? 0) - 1 }[event.key];
    // a slider that was just dragged takes these keys, too: a presenter's clicker comes before it
    const clicker = new URLSearchParams(location.search).has('present') || !event.target.matches('input[type=range]');
    if (next !== undefined && items.length && clicker) {
      event.preventDefault();
      event.stopPropagation();
      openInPlace(items[(next + items.length) % items.length].href);
    } else if (event.key === 'p') {
      const url = new URL(location.href);
      if (url.searchParams.has('present')) url.searchParams.delete('present'); else url.searchParams.set('present', 'true');
      history.pushState({}, '', url);
      dispatchEvent(new PopStateEvent('popstate'));
    }
  };
  addEventListener('keydown', onKey, true);
  const clock = setInterval(mark, 200);  // a control that is moved rewrites the address, and no event tells of it
  root.leave = () => { removeEventListener('keydown', onKey, true); clearInterval(clock); };
  return () => root.leave();
}
