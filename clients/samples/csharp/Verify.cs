// Is a webhook the gateway's, unchanged and of now? (Standard Webhooks; .NET 8, nothing to add)
using System.Security.Cryptography;
using System.Text;

public static class Webhook
{
    const long ToleranceSeconds = 300;

    // headers: names in lower case; body: the bytes that came; during a rotation both secrets.
    public static bool Verify(IReadOnlyDictionary<string, string> headers, byte[] body, IEnumerable<string> secrets)
    {
        if (!headers.TryGetValue("webhook-id", out var id) || id.Length == 0) return false;
        if (!headers.TryGetValue("webhook-timestamp", out var timestamp)) return false;
        if (!headers.TryGetValue("webhook-signature", out var given)) return false;
        if (!long.TryParse(timestamp, out var seconds)) return false;
        if (Math.Abs(DateTimeOffset.UtcNow.ToUnixTimeSeconds() - seconds) > ToleranceSeconds) return false;
        byte[] signed = [.. Encoding.UTF8.GetBytes($"{id}.{timestamp}."), .. body];
        foreach (var secret in secrets)
        {
            var key = Convert.FromBase64String(secret.StartsWith("whsec_") ? secret[6..] : secret);
            var expected = Encoding.UTF8.GetBytes("v1," + Convert.ToBase64String(HMACSHA256.HashData(key, signed)));
            if (given.Split(' ').Any(each => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(each), expected)))
                return true;
        }
        return false;
    }
}
