/// The style sheet of reports: system fonts, one column, tables that scroll on phones, figures that stay
/// whole in print.
enum ReportStyle {
  static let css = """
    :root { color-scheme: light; --ink: #1f2933; --muted: #5b6770; --line: #d9dee2; --accent: #0b62a4; }
    * { box-sizing: border-box; }
    html { -webkit-text-size-adjust: 100%; }
    body { margin: 0; color: var(--ink); background: #fff; line-height: 1.55;
      font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; font-size: 16px; }
    header, main, footer { max-width: 69rem; margin: 0 auto; padding: 0 1.25rem; }
    header { padding-top: 2.5rem; }
    header::before { content: ""; display: block; width: 3.5rem; height: 0.3rem; background: var(--accent);
      margin-bottom: 1rem; }
    h1 { font-size: 1.9rem; line-height: 1.2; margin: 0; overflow-wrap: break-word; }
    .subtitle { color: var(--muted); font-size: 1.1rem; margin: 0.4rem 0 0; }
    h2 { font-size: 1.35rem; line-height: 1.3; margin: 2.75rem 0 0.75rem; padding-top: 1rem;
      border-top: 1px solid var(--line); overflow-wrap: break-word; }
    p, ul { max-width: 44rem; overflow-wrap: break-word; }
    a { color: var(--accent); }
    nav ul { list-style: none; padding: 0; margin: 1.25rem 0 0; display: flex; flex-wrap: wrap;
      gap: 0.25rem 1.25rem; font-size: 0.95rem; max-width: none; }
    nav a { text-decoration: none; }
    nav a:hover { text-decoration: underline; }
    figure { margin: 1.5rem 0; }
    figure img { display: block; max-width: 100%; height: auto; }
    figcaption { color: var(--muted); font-size: 0.9rem; margin-top: 0.5rem; max-width: 44rem; }
    .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); gap: 0 1.5rem; }
    .scroll { overflow-x: auto; margin: 1.25rem 0; }
    table { border-collapse: collapse; font-size: 0.95rem; font-variant-numeric: tabular-nums; }
    caption { text-align: left; font-weight: 600; padding-bottom: 0.5rem; }
    th, td { text-align: left; vertical-align: top; padding: 0.35rem 1.5rem 0.35rem 0;
      border-bottom: 1px solid var(--line); }
    thead th { color: var(--muted); font-weight: 600; border-bottom: 2px solid var(--line); }
    tbody th { font-weight: 400; color: var(--muted); white-space: nowrap; }
    .numeric th + th, .numeric td { text-align: right; padding: 0.35rem 0 0.35rem 1.75rem; }
    tbody tr:last-child > * { border-bottom-color: #aab3ba; }
    pre { background: #f5f7f8; border: 1px solid var(--line); border-radius: 4px; padding: 0.75rem 1rem;
      overflow-x: auto; font-size: 0.85rem; line-height: 1.4; }
    footer { margin-top: 3rem; padding-bottom: 3rem; color: var(--muted); font-size: 0.85rem; }
    footer h2 { font-size: 1rem; }
    footer table { font-size: 0.85rem; }
    footer td { overflow-wrap: anywhere; }
    @media (max-width: 40rem) {
      header { padding-top: 1.5rem; }
      h1 { font-size: 1.5rem; }
      tbody th { white-space: normal; }
      .numeric th + th, .numeric td { padding-left: 1rem; }
    }
    @media print {
      body { font-size: 10.5pt; }
      header, main, footer { max-width: none; padding-left: 0; padding-right: 0; }
      nav { display: none; }
      h2 { break-after: avoid; }
      figure, tr, .scroll { break-inside: avoid; }
      .scroll { overflow: visible; }
      figure { margin: 0.75rem 0; }
      figure img { max-height: 10cm; width: auto; }
    }
    """
}
