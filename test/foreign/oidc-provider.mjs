#!/usr/bin/env node
// What the program test/load measures beside Grantor with -peer test/foreign/oidc-provider.mjs: node-oidc-provider as one
// process with its own store in memory, and one client, whose secret is in PEER_SECRET. -jwt makes it sign its tokens.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import Provider from 'oidc-provider';

const { client, jwt } = parseArgs({
  args: process.argv.slice(2).map((a) => a.replace(/^-(?=\w\w)/, '--')), // as the flags of Go are written
  options: { client: { type: 'string' }, jwt: { type: 'boolean', default: false } },
}).values;

const api = 'https://api.example.com';
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
const signed = { scope: 'orders:read', audience: api, accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt: { sign: { alg: 'ES256' } } };

const listener = createServer();
listener.listen(0, '127.0.0.1', () => {
  const here = `http://127.0.0.1:${listener.address().port}`;
  const provider = new Provider(here, {
    clients: [{
      client_id: client, client_secret: process.env.PEER_SECRET, grant_types: ['client_credentials'], redirect_uris: [], response_types: [],
      id_token_signed_response_alg: 'ES256',
    }],
    jwks: { keys: [{ ...key, use: 'sig', kid: 'one' }] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: (ctx, caller, token) => caller.clientId === token.clientId },
      resourceIndicators: { enabled: jwt, defaultResource: () => api, getResourceServerInfo: () => signed },
    },
    routes: { token: '/oauth2/token', introspection: '/oauth2/introspect' },
    scopes: ['orders:read'],
    ttl: { ClientCredentials: 600 },
  });
  listener.on('request', provider.callback());
  console.log(`oidc-provider is ready at ${here}`);
});
