/** The answer of the server, or an error that says how to mend it. */
export async function fetched(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: expected a file, got status ${response.status}. Build the site again: make site.`);
  return response;
}
