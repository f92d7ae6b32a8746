import { describe, expect, test } from 'vitest';
import { html, verbatim } from '../../../src/view/html.ts';

describe('an HTML template', () => {
  test('escapes what is put into it, in text and in attributes', () => {
    const evil = `"'><script>alert(1)</script>&amp;`;
    expect(html`<p title="${evil}">${evil}</p>`.text).toBe(
      '<p title="&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;">&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;</p>',
    );
  });

  test('takes what another template made as it is, lists one after another, and nothing for null', () => {
    expect(
      html`<ul>
        ${['a<', 'b'].map((text) => html`<li>${text}</li>`)}${null}${3}
      </ul>`.text,
    ).toBe('<ul>\n<li>a&lt;</li><li>b</li>3\n</ul>');
    expect(html`${verbatim('<b>')}`.text).toBe('<b>');
  });

  test('leaves a dollar sign and a backslash alone', () => {
    expect(html`${'$& $1 \\'}`.text).toBe('$&amp; $1 \\');
  });
});
