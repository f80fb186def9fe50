"""How the memo looks: as much on a sheet of A4 as can be read with ease, and no colour that says anything alone."""

STYLE = """
body { font-size: 13px; line-height: 1.42; max-width: 182mm; margin: 10mm auto 14mm; padding: 0 8px; }
header { border-bottom: 2px solid #1d2329; padding-bottom: 6px; }
header p { margin: 0; } header p.quiet > span { white-space: nowrap; }
header .kind { letter-spacing: .06em; color: #5d6872; margin: 0; }
h1 { font-size: 22px; line-height: 1.25; margin: 2px 0; overflow-wrap: anywhere; }
h2 { font-size: 14.5px; border-bottom: 1px solid #98a3ad; padding-bottom: 2px; margin: 20px 0 6px; }
h2.seen { margin-top: 12px; } h3 { font-size: 12.5px; margin: 12px 0 2px; }
[lang=en] { color: #5d6872; font-size: .94em; } html[lang=en] { color: inherit; font-size: inherit; }
code { font-family: inherit; font-size: .94em; font-variant-numeric: tabular-nums; }
th code, li code { color: #3c464f; }
table { font-size: 12px; margin: 4px 0; } th, td { padding: 2.5px 8px 2.5px 0; border-bottom-color: #e3e7ea; }
tr > :last-child { padding-right: 0; } .n + :not(.n) { padding-left: 12px; }
thead th, thead td { border-bottom: 1px solid #98a3ad; vertical-align: bottom; }
tbody th { font-weight: normal; } tr.bound th, tr.bound td { font-weight: 600; background: #f5f7f8; }
.tag { font-size: 11px; font-weight: 600; color: #fff; background: #1f5fa8; padding: 0 5px; border-radius: 2px;
       white-space: nowrap; } .tag [lang=en] { color: #fff; }
dl { margin: 4px 0; } dl > div { display: flex; gap: 8px; padding: 2px 0; border-bottom: 1px solid #e3e7ea; }
dt { flex: 0 0 28%; color: #5d6872; } dd { margin: 0; flex: 1; min-width: 0; overflow-wrap: anywhere;
     font-variant-numeric: tabular-nums; }
dl.columns { display: grid; grid-template-columns: 1fr 1fr; column-gap: 22px; }
dl.columns dt { flex-basis: 46%; }
.verdicts { display: grid; grid-template-columns: 230px 1fr; gap: 20px; align-items: start; }
.answer { border-left: 5px solid; padding: 4px 0 4px 12px; } .answer p { margin: 0; }
.answer .product { color: #5d6872; } .answer .outcome { font-size: 21px; font-weight: 600; line-height: 1.3; }
.answer .outcome [lang=en] { display: block; font-size: 14px; color: inherit; }
.answer .amount { font-size: 21px; font-weight: 600; color: #1d2329; font-variant-numeric: tabular-nums; }
.banner { font-size: 12.5px; padding: 4px 10px; margin: 8px 0; } ul { margin: 4px 0; padding-left: 18px; }
ul.why { margin-top: 8px; } li { margin: 1px 0; }
.charts { display: grid; grid-template-columns: 1fr 1fr; gap: 10px 22px; } figure { margin: 0; min-width: 0; }
figcaption { font-weight: 600; font-size: 12.5px; } .keys { font-size: 11.5px; margin: 0; }
.key { margin-right: 12px; } .key i { display: inline-block; width: 9px; height: 9px; margin-right: 4px; }
.key i.own { background: #9dbfe3; } .key i.mark { background: #c2603a; } .key i.line { height: 2px; width: 14px;
     vertical-align: 3px; } .key i.own.line { background: #1f5fa8; }
svg { display: block; width: 100%; } svg text { font-size: 10px; }
svg.strip { width: 110px; height: 9px; margin-top: 4px; } .buyers svg.strip { width: 64px; }
.way th[scope=row] { width: 44%; } .way td.n { padding-right: 14px; } .way td:nth-child(3) { width: 132px; }
.way svg.strip { width: 120px; } .strip .faint rect { fill: #1d2329; }
details { font-size: 12px; } summary { color: #5d6872; }
.aside { display: grid; grid-template-columns: 1fr 200px; gap: 22px; align-items: start; }
.held { display: inline-block; margin-right: 8px; } .held code { color: #5d6872; }
section { break-inside: auto; } h2, h3 { break-after: avoid; } tr, figure, dl > div, li { break-inside: avoid; }
.charts + dl { margin-top: 12px; break-inside: avoid; } .rules th[scope=row] { width: 45%; }
.verdicts, figure { break-inside: avoid; }
@media print { body { font-size: 9.6pt; margin: 0; padding: 0; max-width: none; } details { display: none; }
  table { font-size: 8.8pt; } .tag, .key i, tr.bound, .banner { print-color-adjust: exact;
  -webkit-print-color-adjust: exact; } }
@page { margin: 14mm 14mm 16mm; @bottom-right { content: counter(page) " / " counter(pages); font-size: 8pt;
        color: #5d6872; } }
"""
