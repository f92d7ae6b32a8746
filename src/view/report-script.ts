// The page's only script: it hides hosts that are not asked for. Without it the page says the same.

/** It reads nothing but the page, and loads and sends nothing. */
export const REPORT_SCRIPT = `
(() => {
  const bar = document.querySelector('.filter');
  const name = bar.querySelector('input');
  const verdict = bar.querySelector('select');
  const rows = [...document.querySelectorAll('[data-host]')];
  const blocks = [...document.querySelectorAll('.block')];
  const wasOpen = new Map(blocks.map((block) => [block, block.open]));
  const apply = () => {
    const text = name.value.trim().toLowerCase();
    const isAsked = text !== '' || verdict.value !== '';
    for (const row of rows) {
      row.hidden = !(row.dataset.host.toLowerCase().includes(text) &&
        (verdict.value === '' || row.dataset.verdict === verdict.value));
    }
    for (const block of blocks) {
      const left = block.querySelector('[data-host]:not([hidden])') !== null;
      block.hidden = isAsked && !left;
      block.open = isAsked ? left : wasOpen.get(block);
    }
  };
  name.addEventListener('input', apply);
  verdict.addEventListener('change', apply);
  const show = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const target = id === '' ? null : document.getElementById(id);
    for (let one = target; one !== null; one = one.parentElement) if (one.tagName === 'DETAILS') one.open = true;
    if (target !== null) target.scrollIntoView();
  };
  addEventListener('hashchange', show);
  bar.hidden = false;
  show();
})();
`;
