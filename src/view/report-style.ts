// How a report's page looks: calm, dense, in light and dark, on paper, and on a telephone.

/** The page's only style sheet. It loads nothing. */
export const REPORT_STYLE = `
:root {
  color-scheme: light dark;
  --paper: #f6f7f8; --card: #fff; --ink: #1b2430; --soft: #56606d; --line: #dfe3e8; --faint: #eef1f4;
  --good: #14703f; --warn: #8a5a00; --bad: #b3261e; --info: #1f5aa8; --idle: #59626e;
  --good-bg: #e4f3ea; --warn-bg: #fbf0d9; --bad-bg: #fbe6e4; --info-bg: #e4eefb; --idle-bg: #eceff2;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #12161b; --card: #191e25; --ink: #e4e8ed; --soft: #a0abb8; --line: #2d3540; --faint: #222933;
    --good: #5cc98b; --warn: #e2b04a; --bad: #ff8f85; --info: #82b6f5; --idle: #9aa5b1;
    --good-bg: #16301f; --warn-bg: #35290f; --bad-bg: #3d1b19; --info-bg: #172a44; --idle-bg: #252c35;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 3.2rem; }
body { margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: anywhere;
  font: 14px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; }
main, .head, nav > div { max-width: 1240px; margin: 0 auto; padding: 0 20px; }
.head { padding-top: 26px; padding-bottom: 4px; }
h1 { font-size: 22px; line-height: 1.25; margin: 0 0 2px; font-weight: 650; letter-spacing: -0.01em; }
h1 span { color: var(--soft); font-weight: 450; }
h2 { font-size: 17px; margin: 0 0 4px; font-weight: 650; letter-spacing: -0.005em; }
h3 { font-size: 14px; margin: 0; font-weight: 600; }
p { margin: 4px 0; }
.lead { color: var(--soft); margin: 0 0 12px; max-width: 82ch; }
a { color: var(--info); text-underline-offset: 2px; }
code, pre, .mono { font-family: var(--mono); font-size: 12px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 16px 18px 18px; margin: 14px 0; }
nav { position: sticky; top: 0; z-index: 3; background: var(--paper); border-bottom: 1px solid var(--line); }
nav > div { display: flex; gap: 4px 14px; align-items: center; flex-wrap: wrap; padding-top: 7px; padding-bottom: 7px; }
nav a { text-decoration: none; white-space: nowrap; font-size: 13px; }
nav a:hover { text-decoration: underline; }
.filter { margin-left: auto; display: flex; gap: 6px; }
.filter input, .filter select { font: inherit; font-size: 13px; color: inherit; background: var(--card); padding: 2px 7px;
  border: 1px solid var(--line); border-radius: 5px; min-width: 0; }
.filter input { width: 13em; }
:focus-visible { outline: 2px solid var(--info); outline-offset: 1px; }
.alert { border-left: 4px solid var(--warn); background: var(--warn-bg); padding: 8px 12px; border-radius: 0 6px 6px 0; margin: 10px 0; }
.alert.bad { border-color: var(--bad); background: var(--bad-bg); }
dl.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(210px, 1fr)); gap: 8px 22px; margin: 12px 0 6px; }
dl.facts dt { color: var(--soft); font-size: 12px; }
dl.facts dd { margin: 0; }
.tiles { display: flex; flex-wrap: wrap; gap: 8px; margin: 12px 0; padding: 0; list-style: none; }
.tiles li { border-radius: 7px; padding: 7px 14px 8px; min-width: 104px; }
.tiles b { display: block; font-size: 22px; line-height: 1.2; font-weight: 650; font-variant-numeric: tabular-nums; }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); } .info { color: var(--info); } .idle { color: var(--idle); }
.on-good { background: var(--good-bg); color: var(--good); } .on-warn { background: var(--warn-bg); color: var(--warn); }
.on-bad { background: var(--bad-bg); color: var(--bad); } .on-info { background: var(--info-bg); color: var(--info); }
.on-idle { background: var(--idle-bg); color: var(--idle); }
.chip { display: inline-block; border-radius: 5px; padding: 0 7px; font-size: 12px; line-height: 19px; white-space: nowrap; font-weight: 550; }
svg { display: block; width: 100%; }
svg.share { height: 10px; border-radius: 5px; }
.f-good { fill: var(--good); } .f-warn { fill: var(--warn); } .f-bad { fill: var(--bad); } .f-info { fill: var(--info); } .f-idle { fill: var(--idle); }
.f-soft { fill: var(--line); } .f-faint { fill: var(--faint); } .half { opacity: 0.4; } .most { opacity: 0.75; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th { text-align: left; font-weight: 600; vertical-align: bottom; color: var(--soft); font-size: 12px; }
td, th { padding: 4px 10px 4px 0; border-bottom: 1px solid var(--line); }
td { vertical-align: top; }
table.stack td, table.stack tbody th { min-width: 6.2em; }
tbody th { color: var(--ink); font-weight: 550; font-size: 13px; vertical-align: top; }
tbody tr:last-child > * { border-bottom: 0; }
.num { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.wide { overflow-x: auto; }
.group { border-top: 1px solid var(--line); padding: 11px 0; }
.group:first-of-type { border-top: 0; }
.group p { max-width: 100ch; }
details > summary { cursor: pointer; }
details > summary:hover { color: var(--info); }
.names { color: var(--soft); font-size: 12px; margin: 3px 0 0; font-weight: 400; }
.names a, th a { text-decoration: none; } .names a:hover, th a:hover { text-decoration: underline; }
.line { display: flex; flex-wrap: wrap; gap: 2px 8px; align-items: baseline; margin: 4px 0 0; } .line > .names { margin: 0; flex: 1 1 20em; }
h4 { font-size: 12px; font-weight: 600; margin: 8px 0 0; color: var(--soft); }
.command { display: block; background: var(--faint); border-radius: 5px; padding: 4px 9px; margin: 4px 0; overflow-x: auto; }
table.time th { width: 15em; } table.time td.num { width: 6.5em; }
table.time td, table.time th { border-bottom: 0; padding-top: 3px; padding-bottom: 3px; vertical-align: middle; }
table.time tr.wave > * { border-top: 1px solid var(--line); padding-top: 8px; }
table.time tr.host th { font-weight: 400; padding-left: 14px; font-size: 12px; }
table.time small { display: block; color: var(--soft); font-weight: 400; }
svg.area { height: 34px; background: var(--faint); border-radius: 4px; } svg.bar { height: 12px; background: var(--faint); border-radius: 3px; }
.axis { display: flex; justify-content: space-between; color: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; color: var(--soft); font-size: 12px; margin: 6px 0 0; padding: 0; list-style: none; }
.legend svg { display: inline-block; width: 12px; height: 10px; vertical-align: -1px; margin-right: 5px; border-radius: 2px; }
table.matrix { width: auto; min-width: 100%; font-size: 12px; }
table.matrix thead th { writing-mode: vertical-rl; transform: rotate(180deg); text-align: left; padding: 4px 2px; font-weight: 500; white-space: nowrap; }
table.matrix thead th.flat { writing-mode: horizontal-tb; transform: none; padding: 4px 10px 4px 0; font-weight: 600; vertical-align: bottom; }
.block table.matrix .v { display: none; }
table.matrix tbody > tr > * { vertical-align: middle; }
table.matrix td { padding: 2px 3px; text-align: center; font-variant-numeric: tabular-nums; font-size: 11px; color: var(--soft); min-width: 30px; }
table.matrix td.v { text-align: left; padding-right: 10px; font-size: 12px; white-space: nowrap; }
table.matrix th { position: sticky; left: 0; background: var(--card); white-space: nowrap; max-width: 24em; overflow: hidden; text-overflow: ellipsis; }
table.matrix thead th:not(.flat) { position: static; }
table.matrix td.x { color: var(--bad); background: var(--bad-bg); font-weight: 700; }
table.matrix td.o { color: var(--warn); background: var(--warn-bg); font-weight: 700; }
pre.diff { margin: 8px 0 2px; padding: 8px 10px; background: var(--faint); border-radius: 6px; overflow-x: auto; line-height: 1.45; max-height: 30em; }
pre.diff ins, pre.diff del { text-decoration: none; display: block; }
pre.diff ins { color: var(--good); background: var(--good-bg); } pre.diff del { color: var(--bad); background: var(--bad-bg); }
pre.diff span { display: block; } pre.diff .at { color: var(--info); }
.host > summary { display: grid; grid-template-columns: 8.2em minmax(9em, 15em) 5.5em 1fr; gap: 0 12px; align-items: baseline; padding: 3px 0; }
.host { border-top: 1px solid var(--line); }
.host > div { padding: 2px 0 10px 14px; }
.host .why { color: var(--soft); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.host[open] .why { white-space: normal; }
.host ul { margin: 3px 0; padding-left: 18px; }
.block > summary { padding: 6px 0; border-top: 1px solid var(--line); }
ul.plain { margin: 2px 0; padding-left: 18px; }
footer { color: var(--soft); font-size: 12px; max-width: 1240px; margin: 0 auto; padding: 4px 20px 30px; }
[hidden] { display: none !important; }
@media (max-width: 720px) {
  body { font-size: 14px; }
  main, .head, nav > div { padding-left: 12px; padding-right: 12px; }
  section { padding: 13px 12px 14px; }
  nav { position: static; }
  .filter { margin-left: 0; width: 100%; } .filter input { flex: 1; }
  .tiles li { min-width: 88px; padding: 5px 10px 6px; flex: 1 0 40%; } .tiles b { font-size: 18px; }
  table.stack, table.stack tbody, table.stack tr, table.stack td, table.stack tbody th { display: block; width: auto; }
  table.stack thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table.stack tr { border-top: 1px solid var(--line); padding: 7px 0; } table.stack td, table.stack th { border: 0 !important; padding: 1px 0; }
  table.stack td.num { text-align: left; }
  table.stack td, table.stack tbody th { min-width: 0; }
  table.stack td[data-is]:not(:empty)::before { content: attr(data-is) ': '; color: var(--soft); font-size: 12px; }
  table.time, table.time tbody, table.time tr, table.time td, table.time th { display: block; width: auto; }
  table.time td.num { display: none; } table.time tr.host th { padding-left: 0; }
  .host > summary { grid-template-columns: 7.6em 1fr; } .host .why { grid-column: 1 / -1; white-space: normal; }
  .host .took { display: none; }
  table.matrix th { max-width: 11em; }
}
@media print {
  :root { --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --faint: #f3f3f3; }
  nav { display: none; }
  body { font-size: 10.5pt; } section { border: 0; padding: 0; margin: 14pt 0; } main, .head { max-width: none; padding: 0; }
  details::details-content { content-visibility: visible; block-size: auto; }
  tr, .group, .host { break-inside: avoid; } h2, h3 { break-after: avoid; }
  pre.diff { max-height: none; white-space: pre-wrap; } .wide { overflow: visible; }
}
`;
