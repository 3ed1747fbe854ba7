/** XML for the answers of the query protocol and of S3. */

/** Formats a document: each member is an element, each item of a list an element of the member's name. */
export function xml(document: unknown): string {
  if (typeof document !== "object" || document === null) return escapeXml(String(document));
  return Object.entries(document)
    .flatMap(([name, value]) => [value as unknown].flat().map((item) => `<${name}>${xml(item)}</${name}>`))
    .join("");
}

/** Escapes text for XML content. */
export function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("\r", "&#xD;");
}
