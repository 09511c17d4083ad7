// A real OpenID provider on a free port of this machine, with its own sign-in and consent pages; ends with its standard input.
// Whoever signs in as NAME is subject NAME, with the e-mail address NAME@ngabay.example, verified unless NAME begins with "x-".
import { createServer } from 'node:http'
import { Provider } from 'oidc-provider'

const [clientId, clientSecret, redirectUri] = process.argv.slice(2)
const server = createServer()
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`
  const provider = new Provider(issuer, {
    clients: [
      { client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri], response_types: ['code'] },
    ],
    pkce: { required: () => true },
    claims: { email: ['email', 'email_verified'], profile: ['preferred_username'] },
    findAccount: (_, name) => ({
      accountId: name,
      claims: () => ({
        sub: name,
        email: `${name}@ngabay.example`,
        email_verified: !name.startsWith('x-'),
        preferred_username: name,
      }),
    }),
  })
  server.on('request', provider.callback())
  process.stdout.write(`${issuer}\n`)
})
process.stdin.on('end', () => process.exit(0)).resume()
