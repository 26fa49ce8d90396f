'use strict';
// Runs in the main process before the app: Electron offers no way to ask a tray what it shows, so what it is given is
// noted in `app.trayNotes`. Trays have their methods each for itself, and are first met where somebody listens to them.
const { app, nativeImage, Tray } = require('electron');
const { EventEmitter } = require('node:events');

const notes = { images: [], tooltip: '', menu: undefined };
app.trayNotes = notes;
const met = new WeakSet();

function nameOf(image) {
  const name = String(image).replace(/^.*[\\/]|\.png$/g, '');
  return nativeImage.createFromPath(String(image)).isEmpty() ? `no picture: ${name}` : name;
}

Tray.prototype.on = function on(...args) {
  if (!met.has(this)) {
    met.add(this);
    const { setImage, setToolTip, setContextMenu } = this;
    this.setImage = (image) => {
      notes.images.push(nameOf(image));
      return setImage.call(this, image);
    };
    this.setToolTip = (text) => {
      notes.tooltip = text;
      return setToolTip.call(this, text);
    };
    this.setContextMenu = (menu) => {
      notes.menu = menu;
      return setContextMenu.call(this, menu);
    };
  }
  return EventEmitter.prototype.on.apply(this, args);
};
