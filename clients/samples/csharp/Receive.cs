// Receive webhooks: dotnet run -- <port> <whsec_…> [the old secret during a rotation]   (with Verify.cs; .NET 8)
using System.Collections.Concurrent;
using System.Net;
using System.Text;

const int BodyBytesMax = 1 << 20;
var secrets = args[1..];
var seen = new ConcurrentDictionary<string, bool>(); // ids that were handled; yours in a database, with what you do
using var listener = new HttpListener(); // before it stands a web server with TLS
listener.Prefixes.Add($"http://127.0.0.1:{args[0]}/");
listener.Start();
while (true)
{
    var context = await listener.GetContextAsync();
    _ = Task.Run(async () =>
    {
        context.Response.StatusCode = await Handle(context.Request);
        context.Response.Close();
    });
}

// 204: handled, now or before; 400: not the gateway's. Whatever else, and the event comes again.
async Task<int> Handle(HttpListenerRequest request)
{
    if (request.ContentLength64 is < 0 or > BodyBytesMax) return 413;
    using var content = new MemoryStream();
    await request.InputStream.CopyToAsync(content); // the bytes that came, before any reading of JSON
    var headers = request.Headers.AllKeys.ToDictionary(name => name!.ToLowerInvariant(), name => request.Headers[name]!);
    if (!Webhook.Verify(headers, content.ToArray(), secrets)) return 400;
    if (!seen.ContainsKey(headers["webhook-id"])) Console.WriteLine(Encoding.UTF8.GetString(content.ToArray()));
    seen[headers["webhook-id"]] = true;
    return 204;
}
