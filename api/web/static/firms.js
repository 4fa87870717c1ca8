// Remembers the list a dossier is opened from, so that Esc leads back to it as it was.
sessionStorage.setItem("desk.firms", location.pathname + location.search);
