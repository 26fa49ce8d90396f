/** Arvados tokens (`v2/uuid/secret`), bearer headers, api_token parameters and locator signatures. */
const SECRETS: ReadonlyArray<readonly [RegExp, string]> = [
  [/v2\/[a-z0-9]{5}-gj3su-[a-z0-9]{15}\/[A-Za-z0-9]+/g, 'v2/…'],
  [/((?:Bearer|OAuth2)\s+)[^\s"']+/gi, '$1…'],
  [/(api_token["']?\s*[=:]\s*["']?)[^&\s"']+/gi, '$1…'],
  [/(\+A)[0-9a-f]{40}(@[0-9a-f]{8})/g, '$1…$2'],
];

/** `text` without anything that looks like a secret, and without each of `known`, raw, URL-encoded, or in base64. */
export function redact(text: string, known: readonly string[] = []): string {
  let result = text;
  for (const secret of known) {
    if (secret.length >= 8) {
      for (const form of [secret, encodeURIComponent(secret), ...inBase64(secret)]) {
        result = result.replaceAll(form, '…');
      }
    }
  }
  for (const [pattern, replacement] of SECRETS) {
    result = result.replace(pattern, replacement);
  }
  return result;
}

/** How a text looks in base64: alone, and inside of a longer one, where what stands before it decides between three forms. */
function inBase64(secret: string): readonly string[] {
  const alone = Buffer.from(secret).toString('base64');
  const inside = [0, 1, 2].map((before) => {
    const text = Buffer.from('x'.repeat(before) + secret).toString('base64');
    // the first and last group of four are shared with the neighbours
    return text.slice(before === 0 ? 0 : 4, -4);
  });
  return [alone, ...inside.filter((form) => form.length >= 8)];
}
