using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using System.Text;

/// <summary>Check a webhook of Một Cửa (Standard Webhooks) before anything in it is believed. .NET only.</summary>
public static class Webhook
{
    private const long ToleranceSeconds = 300;

    /// <summary>The event's id, to drop repeats by. <c>body</c>: the bytes as received.</summary>
    public static string Verify(
        string secret, IReadOnlyDictionary<string, string> headers, byte[] body, DateTimeOffset now)
    {
        string id = headers["webhook-id"];
        long timestamp = long.Parse(headers["webhook-timestamp"]);
        if (Math.Abs(now.ToUnixTimeSeconds() - timestamp) > ToleranceSeconds)
            throw new CryptographicException("timestamp too old or too new");
        byte[] key = Convert.FromBase64String(secret.StartsWith("whsec_") ? secret.Substring(6) : secret);
        byte[] signed = Encoding.UTF8.GetBytes($"{id}.{timestamp}.").Concat(body).ToArray();
        byte[] expected = new HMACSHA256(key).ComputeHash(signed);
        foreach (string signature in headers["webhook-signature"].Split(' '))
        {
            string[] parts = signature.Split(',', 2);
            if (parts.Length == 2 && parts[0] == "v1"
                && CryptographicOperations.FixedTimeEquals(Convert.FromBase64String(parts[1]), expected))
                return id;
        }
        throw new CryptographicException("no signature fits");
    }
}
