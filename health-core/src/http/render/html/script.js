(() => {
  const root = document.documentElement, find = (what, where = document) => where.querySelector(what);
  const every = root.dataset.refresh * 1000;
  find('#static').remove();
  if (!every) return;
  const news = find('#news');
  let last = Date.now(), busy = false;
  const links = (where) => [...where.querySelectorAll('a, summary')];
  const key = (it) => [it.closest('[id]').id, it.getAttribute('href'), it.tagName].join(' ');
  const load = async () => {
    const live = find('#live'), chosen = getSelection();
    if (!chosen.isCollapsed && live.contains(chosen.anchorNode)) return;
    const answer = await fetch(location.href, { cache: 'no-store', signal: AbortSignal.timeout(every) });
    const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const fresh = document.adoptNode(find('#live', next));
    for (const part of live.querySelectorAll('details[id]')) {
      const same = find('#' + CSS.escape(part.id), fresh);
      if (same) same.open = part.open;
    }
    const at = document.activeElement, wanted = live.contains(at) && key(at);
    const [x, y] = [scrollX, scrollY];
    live.replaceWith(fresh);
    scrollTo(x, y);
    if (wanted) links(fresh).find((it) => key(it) === wanted)?.focus({ preventScroll: true });
    find('link[rel=icon]').href = find('link[rel=icon]', next).href;
    news.textContent = document.title === next.title ? '' : next.title;
    news.className = '';
    document.title = next.title;
  };
  const tick = async () => {
    if (busy || document.hidden || Date.now() - last < every) return;
    busy = true;
    last = Date.now();
    try {
      await load();
    } catch {
      news.className = 'lost';
      news.textContent = 'No answer at ' + new Date().toLocaleTimeString() + '. The page shows the last known state.';
    }
    busy = false;
  };
  setInterval(tick, 1000);
  document.addEventListener('visibilitychange', tick);
})();
