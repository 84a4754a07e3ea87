// The switch between light and dark. It runs before the page is drawn, so that nothing flashes.
(() => {
  const KEY = "archsmith-theme";
  const root = document.documentElement;
  const preferred = window.matchMedia("(prefers-color-scheme: dark)");
  const read = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // a browser may keep nothing
    }
  };
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : preferred.matches);
  const told = () => window.dispatchEvent(new Event("theme"));
  const chosen = read();
  if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;
  window.isDark = isDark;
  preferred.addEventListener("change", told);
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const say = () => {
      button.textContent = isDark() ? "Light" : "Dark";
      button.setAttribute("aria-label", isDark() ? "Show the page light" : "Show the page dark");
    };
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      try {
        localStorage.setItem(KEY, root.dataset.theme);
      } catch {
        // then it holds for this page
      }
      told();
    });
    window.addEventListener("theme", say);
    say();
  });
})();
