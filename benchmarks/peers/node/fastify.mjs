// Fastify with @fastify/jwt and @fastify/http-proxy, one process: signature, expiry and role, no log.
import Fastify from 'fastify'
import jwt from '@fastify/jwt'
import proxy from '@fastify/http-proxy'

const { PORT, UPSTREAM, SECRET } = process.env
const app = Fastify({ logger: false })

await app.register(jwt, { secret: SECRET, verify: { algorithms: ['HS256'] } })
await app.register(proxy, {
  upstream: `http://127.0.0.1:${UPSTREAM}`,
  undici: { connections: 256, pipelining: 1 },
  async preHandler (request, reply) {
    try {
      await request.jwtVerify()
    } catch {
      return reply.code(401).send({ error: 'unauthorized' })
    }
    if (request.user.role !== 'admin') {
      return reply.code(403).send({ error: 'forbidden' })
    }
    delete request.raw.headers.authorization
  }
})
await app.listen({ host: '127.0.0.1', port: Number(PORT), backlog: 4096 })
