// Tokens are kept in this variable only: another page, another tab, or whoever reads the disk finds none. A reload
// forgets them; signing in again asks for nothing while the user is signed in at the server.
let tokens = null;

const settings = await (await fetch('settings.json')).json();
const metadata = await (await fetch(settings.issuer + '/.well-known/oauth-authorization-server')).json();
if (metadata.issuer !== settings.issuer) throw Error('this is the description of another server'); // RFC 8414 section 3.3
const redirect = location.origin + '/';
const part = (id) => document.getElementById(id);

const base64url = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

// What has to fit to the answer waits in this tab. The verifier proves that who redeems the code is who asked for it
// (RFC 7636); the state, that the answer is to a question of this tab.
async function signIn() {
  const asked = { state: random(), verifier: random() };
  sessionStorage.setItem('asked', JSON.stringify(asked));
  const challenge = base64url(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(asked.verifier)));
  location.assign(metadata.authorization_endpoint + '?' + new URLSearchParams({
    response_type: 'code', client_id: settings.client, redirect_uri: redirect, scope: settings.scope,
    state: asked.state, code_challenge: challenge, code_challenge_method: 'S256',
  }));
}

async function signedIn(answer) {
  const asked = JSON.parse(sessionStorage.getItem('asked') ?? 'null');
  sessionStorage.removeItem('asked');
  history.replaceState(null, '', redirect); // the code is not to stay in the address
  if (!asked || answer.get('state') !== asked.state || answer.get('iss') !== settings.issuer) throw Error('this answer is to no question of this tab');
  if (!answer.has('code')) throw Error(answer.get('error_description') ?? answer.get('error') ?? 'the answer holds no code');
  await ask({ grant_type: 'authorization_code', code: answer.get('code'), redirect_uri: redirect, code_verifier: asked.verifier });
}

async function post(endpoint, fields) {
  const body = new URLSearchParams({ client_id: settings.client, ...fields });
  const response = await fetch(endpoint, { method: 'POST', body, credentials: 'omit' });
  const answer = await response.json();
  if (!response.ok) throw Error(answer.error_description ?? answer.error ?? response.status);
  return answer;
}

async function ask(fields) {
  const got = await post(metadata.token_endpoint, fields);
  tokens = { ...tokens, ...got, ends: Date.now() + got.expires_in * 1000 };
}

// A refresh token is good for one use (RFC 9700 section 2.2.2), so those who need a token at the same time wait for one renewal.
let renewal = null;
const renew = () => renewal ??= ask({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token }).finally(() => { renewal = null; });

async function call(path) {
  if (Date.now() > tokens.ends - 30_000) await renew();
  const response = await fetch(settings.api + path, { headers: { Authorization: 'Bearer ' + tokens.access_token }, credentials: 'omit' });
  if (!response.ok) throw Error(`the API answers ${response.status}`);
  return response.json();
}

async function signOut() {
  const { refresh_token } = tokens;
  tokens = null;
  await post(metadata.revocation_endpoint, { token: refresh_token });
}

// run does what a button stands for and shows what came of it.
async function run(action) {
  try {
    part('answer').textContent = JSON.stringify(await action() ?? '', null, 2);
  } catch (error) {
    part('answer').textContent = `That did not work: ${error.message}`;
  }
  part('state').textContent = tokens ? 'Signed in' : 'Signed out';
  part('in').hidden = tokens !== null;
  for (const id of ['call', 'renew', 'out']) part(id).hidden = tokens === null;
}

part('in').onclick = () => run(signIn);
part('call').onclick = () => run(() => call('/me'));
part('renew').onclick = () => run(renew);
part('out').onclick = () => run(signOut);
const answer = new URLSearchParams(location.search);
run(async () => { if (answer.has('state')) await signedIn(answer); });
