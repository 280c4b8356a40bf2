using System.Text.Json;
using Microsoft.Playwright;

namespace NativeRlhf.Reporting.Tests;

/// <summary>The page in Chromium: nothing overlaps, nothing is cut, values are shown, and nothing is asked of a network.</summary>
[NonParallelizable]
public sealed class BrowserTests
{
    /// <summary>
    /// Text that overlaps other text of its chart or leaves its viewBox; elements that are wider than the page outside of what scrolls;
    /// blocks of the page that overlap.
    /// </summary>
    private const string FindFaults = """
        () => {
          const faults = [], say = element => (element.closest('figure')?.querySelector('h3')?.textContent ?? '') + ' «' + element.textContent.slice(0, 40) + '»';
          const overlap = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 0.5 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.5;
          const width = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth > width) faults.push(`the page is ${document.documentElement.scrollWidth} wide in a window of ${width}`);
          let texts = 0, charts = 0;
          for (const svg of document.querySelectorAll('svg.chart')) {
            if (!svg.checkVisibility()) continue;
            charts++;
            const all = [...svg.querySelectorAll('text')].map(text => [text, text.getBoundingClientRect()]), frame = svg.viewBox.baseVal;
            for (const [text] of all) {
              const box = text.getBBox();
              if (box.x < frame.x - 0.5 || box.y < frame.y - 0.5 || box.x + box.width > frame.x + frame.width + 0.5 || box.y + box.height > frame.y + frame.height + 0.5) faults.push('cut by its chart: ' + say(text));
            }
            all.forEach(([a, boxA], i) => all.slice(i + 1).forEach(([b, boxB]) => { if (overlap(boxA, boxB)) faults.push(`overlap: ${say(a)} and ${say(b)}`); }));
            texts += all.length;
          }
          for (const element of document.querySelectorAll('body *')) {
            if (!element.checkVisibility() || element.closest('.scroll, svg, .hidden, thead')) continue;
            const box = element.getBoundingClientRect();
            if (box.width > 0 && (box.left < -0.5 || box.right > width + 0.5)) faults.push(`beyond the window: ${element.tagName} ${element.className} ${say(element)}`);
          }
          for (const element of document.querySelectorAll('h1, h2, h3, p, dt, dd, figcaption, .prompt, .text, .who, td, th, button, a, summary')) {
            if (!element.checkVisibility() || element.closest('.scroll, thead')) continue;
            if (getComputedStyle(element).display !== 'inline' && element.scrollWidth > element.clientWidth + 1) faults.push(`wider than its place: ${element.tagName} ${say(element)}`);
          }
          for (const parent of document.querySelectorAll('main, section, article, .curves, .figures, .answers, .tiles, .bar, .tools, nav, figure, .legend, header')) {
            const children = [...parent.children].filter(child => child.checkVisibility() && !child.matches('.hidden')).map(child => [child, child.getBoundingClientRect()]);
            children.forEach(([a, boxA], i) => children.slice(i + 1).forEach(([b, boxB]) => { if (overlap(boxA, boxB)) faults.push(`overlap of blocks: ${say(a)} and ${say(b)}`); }));
          }
          return [`${charts} charts, ${texts} texts`, ...new Set(faults)];
        }
        """;

    private RunFolder _folder = null!;
    private IPlaywright? _playwright;
    private IBrowser _browser = null!;

    [OneTimeSetUp]
    public async Task Open()
    {
        string? chromium = new[] { "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists);
        if (chromium is null) Assert.Ignore("Chromium is absent; apt-get install chromium");
        _folder = new RunFolder();
        try
        {
            _playwright = await Playwright.CreateAsync();
            _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = chromium, Args = ["--no-sandbox", "--disable-gpu"] });
        }
        catch (PlaywrightException e)
        {
            Assert.Ignore($"Chromium does not start here: {e.Message.Split('\n')[0]}");
        }

        Pages.WriteAll(_folder);
    }

    [OneTimeTearDown]
    public async Task Close()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _playwright?.Dispose();
        _folder?.Dispose();
    }

    [Test]
    public async Task NothingOverlapsAndNothingIsCut([ValueSource(typeof(Pages), nameof(Pages.Names))] string name)
    {
        foreach (int width in (int[])[400, 1400])
        {
            await using var context = await _browser.NewContextAsync(new() { ViewportSize = new() { Width = width, Height = 900 } });
            var page = await Load(context, name);
            foreach (var media in (PageEmulateMediaOptions[])[new() { ColorScheme = ColorScheme.Light }, new() { ColorScheme = ColorScheme.Dark }, new() { Media = Media.Print }])
            {
                // A sheet of paper is never as narrow as a phone.
                if (media.Media == Media.Print && width == 400) await page.SetViewportSizeAsync(700, 900);
                await page.EmulateMediaAsync(media);
                string[] found = await page.EvaluateAsync<string[]>(FindFaults);
                Assert.That(found[0], Does.Not.StartWith("0 charts").And.Not.EndsWith(" 0 texts"));
                Assert.That(found[1..], Is.Empty, $"{name} at {width}, {media.ColorScheme}{media.Media}");
            }
        }
    }

    [Test]
    public async Task TheFoldedPartsFitToo([ValueSource(typeof(Pages), nameof(Pages.Names))] string name)
    {
        await using var context = await _browser.NewContextAsync(new() { ViewportSize = new() { Width = 400, Height = 900 } });
        var page = await Load(context, name);
        await page.EvaluateAsync("() => document.querySelectorAll('details').forEach(part => part.open = true)");
        Assert.That((await page.EvaluateAsync<string[]>(FindFaults))[1..], Is.Empty);
    }

    [Test]
    public async Task HoverShowsTheValueOfTheFile()
    {
        await using var context = await _browser.NewContextAsync(new() { ViewportSize = new() { Width = 1400, Height = 900 } });
        var page = await Load(context, "runs");
        var chart = page.Locator("figure:has(h3:text-is('Score')) svg.chart").First;
        await chart.ScrollIntoViewIfNeededAsync();
        var box = (await chart.BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(box.X + box.Width - 14, box.Y + box.Height / 2);
        string shown = await page.Locator("#tip").InnerTextAsync();
        Assert.That(shown, Does.Contain("step 60").And.Contain("first").And.Contain(Charts.Numbers.Value(Pages.Score(0, 60))));
        await page.Mouse.MoveAsync(5, 5);
        Assert.That(await page.Locator("#tip").IsVisibleAsync(), Is.False);
    }

    [Test]
    public async Task TheKeyboardGoesThroughTheValues()
    {
        await using var context = await _browser.NewContextAsync(new() { ViewportSize = new() { Width = 400, Height = 900 } });
        var page = await Load(context, "study");
        var chart = page.Locator("figure:has(h3:text-is('Marks')) .narrow svg.chart");
        await chart.FocusAsync();
        await page.Keyboard.PressAsync("Home");
        Assert.That(await page.Locator("#tip").InnerTextAsync(), Does.StartWith("follows the instruction").And.Contain("30.0 % (28.0 to 32.0 %)"));
        await page.Keyboard.PressAsync("ArrowRight");
        Assert.That(await page.Locator("#tip").InnerTextAsync(), Does.StartWith("satisfies"));
        var tip = (await page.Locator("#tip").BoundingBoxAsync())!;
        Assert.That((tip.X, tip.X + tip.Width), Is.EqualTo((200f, 200f)).Within(200), "inside of the window");
        await page.Keyboard.PressAsync("Escape");
        Assert.That(await page.Locator("#tip").IsVisibleAsync(), Is.False);
    }

    [Test]
    public async Task TheButtonChangesLightAndDarkAndPaperStaysLight()
    {
        await using var context = await _browser.NewContextAsync(new() { ColorScheme = ColorScheme.Dark });
        var page = await Load(context, "runs");
        const string ground = "() => getComputedStyle(document.body).backgroundColor";
        string dark = await page.EvaluateAsync<string>(ground);
        await page.EmulateMediaAsync(new() { Media = Media.Print });
        Assert.That(await page.EvaluateAsync<string>(ground), Is.EqualTo("rgb(255, 255, 255)"));
        Assert.That(await page.Locator("#theme").IsVisibleAsync(), Is.False);
        await page.EmulateMediaAsync(new() { Media = Media.Screen });
        await page.Locator("#theme").ClickAsync();
        Assert.That(await page.EvaluateAsync<string>(ground), Is.EqualTo("rgb(255, 255, 255)").And.Not.EqualTo(dark));
        await page.Locator("#theme").ClickAsync();
        Assert.That(await page.EvaluateAsync<string>(ground), Is.EqualTo(dark));
    }

    [Test]
    public async Task ALegendHidesItsSeriesInAllCharts()
    {
        await using var context = await _browser.NewContextAsync();
        var page = await Load(context, "runs");
        var lines = page.Locator("section#policy g[data-series='second']");
        int all = await lines.CountAsync();
        Assert.That(all, Is.GreaterThan(5));
        await page.Locator("section#policy [data-toggle='second']").First.ClickAsync();
        Assert.That(await page.Locator("section#policy g.off[data-series='second']").CountAsync(), Is.EqualTo(all));
        await page.Locator("#smooth").ClickAsync();
        Assert.That(await page.EvaluateAsync<bool>("() => document.documentElement.classList.contains('smoothing')"), Is.False);
    }

    [Test]
    public async Task AnswersOfModelsAreTextAndNothingElse()
    {
        await using var context = await _browser.NewContextAsync();
        var page = await Load(context, "study");
        Assert.That(await page.Locator(".text").AllInnerTextsAsync(), Has.Some.EqualTo(Pages.Hostile));
        Assert.That(await page.EvaluateAsync<JsonElement?>("() => window.wasRun ?? null"), Is.Null);
        Assert.That(await page.Locator("script, img").CountAsync(), Is.EqualTo(1), "the page's own script alone");
    }

    [Test]
    public async Task WithoutJavaScriptThePageIsWhole()
    {
        await using var context = await _browser.NewContextAsync(new() { JavaScriptEnabled = false });
        var page = await Load(context, "runs");
        Assert.That(await page.Locator("#theme").IsVisibleAsync(), Is.False);
        Assert.That(await page.Locator("svg.chart title").CountAsync(), Is.GreaterThan(20));
        Assert.That(await page.Locator("details.data").First.IsVisibleAsync());
    }

    /// <summary>Opens a page, and fails if it asks for anything else or reports an error.</summary>
    private async Task<IPage> Load(IBrowserContext context, string name)
    {
        string address = new Uri(_folder.Of(name + ".html")).AbsoluteUri;
        List<string> faults = [];
        var page = await context.NewPageAsync();
        page.Request += (_, request) => { if (request.Url != address && !request.Url.StartsWith("data:", StringComparison.Ordinal)) faults.Add("asked for " + request.Url); };
        page.Console += (_, message) => { if (message.Type is "error" or "warning") faults.Add(message.Text); };
        page.PageError += (_, error) => faults.Add(error);
        await page.GotoAsync(address);
        Assert.That(faults, Is.Empty);
        return page;
    }
}
