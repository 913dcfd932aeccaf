/**
 * `fetch` as JupyterLab's components use it. They take a refusal of a kernel's address for a dead kernel and open a dialog; a page that
 * is not let in any more is told so in the notices, and may be let in again. So they hear that the server is busy, and wait.
 */
const kernelAddress = /\/api\/kernels\/[0-9a-f-]{36}$/;

export const patientFetch: typeof fetch = async (input, init) => {
  const answer = await fetch(input, init);
  const url = new URL(answer.url || location.href);
  return answer.status === 401 && kernelAddress.test(url.pathname) ? new Response(null, { status: 503 }) : answer;
};
