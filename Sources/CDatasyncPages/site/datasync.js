/** Makes one unary call, in JSON. */
export async function call(method, request = {}, { url = "", token } = {}) {
  const headers = { "content-type": "application/json", "connect-protocol-version": "1" };
  if (token) headers.authorization = `Bearer ${token}`;
  const response = await fetch(`${url}/${method}`, {
    method: "POST", headers, body: JSON.stringify(request),
  });
  const type = response.headers.get("content-type") ?? "";
  const body = type.startsWith("application/json") ? await response.json() : await response.text();
  if (response.ok) return body;
  throw new Error(typeof body === "string" ? body : `${body.code}: ${body.message ?? ""}`);
}
