/** Makes one unary call, in JSON. */
export function call(
  method: string, request?: object, options?: { url?: string; token?: string },
): Promise<Record<string, unknown>>;
