// What several views are made of.
import { h } from "../vendor/preact.js";
import { useEffect, useState } from "../vendor/preact-hooks.js";
import htm from "../vendor/htm.js";
import { number, time } from "./text.js";

export const html = htm.bind(h);

export const Badge = ({ tone = "plain", children }) => html`<span class="badge" data-tone=${tone}>${children}</span>`;

export const Time = ({ ms }) => html`<time datetime=${new Date(ms).toISOString()}>${time(ms)}</time>`;

/** A number with what it counts; a link where there is more to see. */
export const Figure = ({ label, value, href, tone }) => html`
  <div class="figure" data-tone=${tone}>
    <dt>${href ? html`<a href=${href}>${label}</a>` : label}</dt>
    <dd>${typeof value === "number" ? number(value) : value}</dd>
  </div>`;

/** A table whose rows become cards on a narrow screen. `columns`: [heading, cell of a row, class]. */
export const Table = ({ caption, columns, rows, rowKey }) => html`
  <table role="table">
    <caption class="visually-hidden">${caption}</caption>
    <thead role="rowgroup"><tr role="row">
      ${columns.map(([heading, , kind]) => html`<th role="columnheader" scope="col" class=${kind}>${heading}</th>`)}
    </tr></thead>
    <tbody role="rowgroup">${rows.map((row) => html`
      <tr role="row" key=${rowKey(row)}>
        ${columns.map(([heading, cell, kind]) => html`
          <td role="cell" class=${kind} data-label=${heading}><div>${cell(row)}</div></td>`)}
      </tr>`)}
    </tbody>
  </table>`;

/** Of several things one: links or buttons would do as well, but a group of radios is one stop of the Tab key. */
export const Choice = ({ legend, name, options, value, onChange }) => html`
  <fieldset class="choice">
    <legend class="visually-hidden">${legend}</legend>
    ${options.map(([option, label]) => html`
      <label key=${option}>
        <input type="radio" name=${name} value=${option} checked=${option === value} onChange=${() => onChange(option)} />
        <span>${label}</span>
      </label>`)}
  </fieldset>`;

/** What a view shows while it has nothing yet, or can't get anything new. */
export function Waiting({ data, error }) {
  if (error) return html`<p class="notice" data-tone="bad" role="alert">${error.message}</p>`;
  return data ? null : html`<p class="notice" role="status">Loading …</p>`;
}

/** Pages of an answer that has `next`: the place of this page, and the buttons. A new `reset` begins from the start. */
export function usePages(reset) {
  const [state, setState] = useState({ reset, places: [""] });
  const places = state.reset === reset ? state.places : [""];
  const go = (to) => setState({ reset, places: to });
  const buttons = (next) => (places.length > 1 || next) && html`
    <nav class="pages" aria-label="Pages">
      <button disabled=${places.length === 1} onClick=${() => go(places.slice(0, -1))}>← Previous</button>
      <span>Page ${places.length}</span>
      <button disabled=${!next} onClick=${() => go([...places, next])}>Next →</button>
    </nav>`;
  return [places.at(-1), buttons];
}

/** `value`, once it hasn't changed for so long. */
export function useSettled(value, ms = 250) {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}
