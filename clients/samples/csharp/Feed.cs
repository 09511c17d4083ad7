// Read the feed along a saved cursor: dotnet run -- <gateway> <partner> <key.pem, PKCS 8> <kid>   (.NET 8, nothing to add)
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

var (gateway, partner, keyFile, kid) = (args[0], args[1], args[2], args[3]);
using var http = new HttpClient();
using var key = ECDsa.Create();
key.ImportFromPem(File.ReadAllText(keyFile));
var cursor = File.Exists("cursor") ? File.ReadAllText("cursor") : "";
for (var until = DateTimeOffset.MinValue; ;)
{
    if (DateTimeOffset.UtcNow > until)
    {
        http.DefaultRequestHeaders.Authorization = new("Bearer", await Token());
        until = DateTimeOffset.UtcNow.AddMinutes(4);
    }
    using var answer = await http.GetAsync($"{gateway}/events?wait=25&after={cursor}");
    answer.EnsureSuccessStatusCode(); // 410: events after the cursor are gone; start again after anything else
    foreach (var each in JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.EnumerateArray())
        Console.WriteLine($"{each.GetProperty("type")} {each.GetProperty("subject")} {each.GetProperty("id")}"); // may come twice
    cursor = answer.Headers.GetValues("Next-Cursor").First();
    File.WriteAllText("cursor.new", cursor);
    File.Move("cursor.new", "cursor", overwrite: true);
}

async Task<string> Token()
{
    var claims = new { iss = partner, sub = partner, aud = gateway, exp = DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 60, jti = Guid.NewGuid() };
    var text = $"{Url(JsonSerializer.SerializeToUtf8Bytes(new { alg = "ES256", kid }))}.{Url(JsonSerializer.SerializeToUtf8Bytes(claims))}";
    var signature = Url(key.SignData(Encoding.UTF8.GetBytes(text), HashAlgorithmName.SHA256)); // r and s, as JWS has them
    var form = new Dictionary<string, string> { ["grant_type"] = "client_credentials", ["client_assertion"] = $"{text}.{signature}",
        ["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" };
    using var answer = await http.PostAsync($"{gateway}/oauth/token", new FormUrlEncodedContent(form));
    answer.EnsureSuccessStatusCode();
    return JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("access_token").GetString()!;
}

string Url(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
