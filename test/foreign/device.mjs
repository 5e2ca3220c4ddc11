// A device with a library of another maker (openid-client): it asks ISSUER for codes as CLIENT, polls every INTERVAL seconds
// until its user has answered, and tells each step as a line of JSON.
import * as client from 'openid-client';

const tell = (step) => console.log(JSON.stringify(step));

const { ISSUER, CLIENT, SECRET, INTERVAL } = process.env;
const proof = SECRET ? client.ClientSecretBasic(SECRET) : client.None();
const config = await client.discovery(new URL(ISSUER), CLIENT, undefined, proof, { algorithm: 'oauth2', execute: [client.allowInsecureRequests] });
config[client.customFetch] = async (address, options) => {
  const answer = await fetch(address, options);
  if (address === config.serverMetadata().token_endpoint) {
    tell({ polled: (await answer.clone().json()).error ?? 'tokens' });
  }
  return answer;
};

try {
  const codes = await client.initiateDeviceAuthorization(config, { scope: 'profile' });
  tell({ codes });
  const tokens = await client.pollDeviceAuthorizationGrant(config, { ...codes, interval: Number(INTERVAL) || codes.interval });
  tell({ tokens });
  tell({ refreshed: await client.refreshTokenGrant(config, tokens.refresh_token) });
} catch (error) {
  tell({ refused: error.error ?? String(error) });
}
